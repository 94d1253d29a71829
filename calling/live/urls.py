from django.urls import path

from calling.live import views

urlpatterns = [path("", views.live_calls, name="live_calls")]
