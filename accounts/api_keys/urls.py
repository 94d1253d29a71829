from django.urls import path

from accounts.api_keys import views

urlpatterns = [
    path("add/", views.add, name="add_api_key"),
    path("<int:pk>/rotate/", views.rotate, name="rotate_api_key"),
    path("<int:pk>/revoke/", views.revoke, name="revoke_api_key"),
]
