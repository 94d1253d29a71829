from django.urls import path

from calling.permission import views

urlpatterns = [
    path("", views.permissions, name="call_permissions"),
    path("limits/", views.limits, name="call_limits"),
    path("add/", views.add, name="add_barring"),
    path("<int:pk>/", views.barring, name="barring"),
    path("<int:pk>/switch/", views.switch, name="switch_barring"),
    path("<int:pk>/remove/", views.remove, name="remove_barring"),
]
