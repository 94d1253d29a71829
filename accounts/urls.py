from django.urls import path

from accounts import views

urlpatterns = [
    path("account/", views.account, name="account"),
    path("preferences/language/", views.choose_language, name="choose_language"),
    path("preferences/theme/", views.choose_theme, name="choose_theme"),
    path(
        "preferences/organisation/",
        views.choose_organisation,
        name="choose_organisation",
    ),
    path(
        "notices/confirm/<str:token>/",
        views.confirm_alert_address,
        name="confirm_alert_address",
    ),
    path("notices/stop/<str:token>/", views.stop_notices, name="stop_notices"),
]
