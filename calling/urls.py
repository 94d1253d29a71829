from django.urls import path

from calling import views
from calling.rates import views as rate_views

urlpatterns = [
    path("usage/", views.usage, name="usage"),
    path("usage/calls.csv", views.calls_csv, name="calls_csv"),
    path("usage/exports/", views.mail_calls, name="mail_calls"),
    path("usage/exports/<int:pk>/", views.usage_export, name="usage_export"),
    path("usage/departments/", views.departments, name="departments"),
    path("usage/departments.csv", views.departments_csv, name="departments_csv"),
    path("usage/<int:pk>/", views.call, name="call"),
    path("rates/", rate_views.rates, name="rates"),
    path("rates/rates.csv", rate_views.rates_csv, name="rates_csv"),
    path("rates/quote/", rate_views.rates_quote, name="rates_quote"),
]
