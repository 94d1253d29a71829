from django.urls import path

from calling import views

urlpatterns = [
    path("usage/", views.usage, name="usage"),
    path("usage/calls.csv", views.calls_csv, name="calls_csv"),
    path("usage/departments/", views.departments, name="departments"),
    path("usage/departments.csv", views.departments_csv, name="departments_csv"),
    path("usage/<int:pk>/", views.call, name="call"),
]
