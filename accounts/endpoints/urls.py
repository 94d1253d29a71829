from django.urls import path

from accounts.endpoints import views

urlpatterns = [
    path("", views.webhooks, name="webhooks"),
    path("add/", views.add, name="add_webhook"),
    path("<int:pk>/", views.endpoint, name="webhook_endpoint"),
    path("<int:pk>/test/", views.test, name="test_webhook"),
    path("<int:pk>/pause/", views.pause, name="pause_webhook"),
    path("<int:pk>/resume/", views.resume, name="resume_webhook"),
    path("<int:pk>/secret/", views.rotate, name="rotate_webhook"),
    path("<int:pk>/delete/", views.delete, name="delete_webhook"),
    path("deliveries/<int:pk>/", views.send_again, name="resend_webhook"),
]
