from django.urls import path

from billing.views.add_funds import add_funds, review_funds
from billing.views.credits import activity_csv, credits_page
from billing.views.help import show_help
from billing.views.open_organisation import open_organisation
from billing.views.overview import overview
from billing.views.top_up import top_up

urlpatterns = [
    path("", overview, name="overview"),
    path("open/", open_organisation, name="open_organisation"),
    path("credits/", credits_page, name="credits"),
    path("credits/activity.csv", activity_csv, name="activity_csv"),
    path("credits/add/", add_funds, name="add_funds"),
    path("credits/add/review/", review_funds, name="review_funds"),
    path("top-ups/<int:pk>/", top_up, name="top_up"),
    path("help/", show_help, name="help"),
]
