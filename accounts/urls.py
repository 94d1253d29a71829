from django.urls import path

from accounts import views

urlpatterns = [
    path("preferences/language/", views.choose_language, name="choose_language"),
    path("preferences/theme/", views.choose_theme, name="choose_theme"),
    path(
        "preferences/organisation/",
        views.choose_organisation,
        name="choose_organisation",
    ),
]
