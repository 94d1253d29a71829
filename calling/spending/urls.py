from django.urls import path

from calling.spending import views

urlpatterns = [path("", views.spending_limit, name="spending_limit")]
