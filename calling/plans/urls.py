from django.urls import path

from calling.plans import views

urlpatterns = [
    path("", views.plans, name="plans"),
    path("catalogue/", views.catalogue, name="plan_catalogue"),
    path("add/<int:pk>/", views.add_subscription, name="add_subscription"),
    path("subscriptions/<int:pk>/", views.subscription, name="subscription"),
    path(
        "subscriptions/<int:pk>/licences/",
        views.change_licences,
        name="change_licences",
    ),
    path("subscriptions/<int:pk>/cancel/", views.cancel, name="cancel_subscription"),
    path("subscriptions/<int:pk>/keep/", views.keep, name="keep_subscription"),
    path("subscriptions/<int:pk>/lines/", views.assign, name="assign_licences"),
    path("licences/<int:pk>/release/", views.release, name="release_licence"),
    path("pools/<int:pk>/", views.pool, name="pool"),
]
