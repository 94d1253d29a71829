"""Addresses that exist only in the demo and the tests."""

from django.urls import path

from sandbox import views

urlpatterns = [
    path("mailbox/", views.mailbox, name="mailbox"),
    path("mailbox/<str:name>/", views.mail, name="mail"),
    path("mailbox/<str:name>/html", views.mail_html, name="mail_html"),
]
