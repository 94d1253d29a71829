"""Stripe's events are dropped 90 days after they were worked, and only then."""

from datetime import timedelta

import pytest

from billing.forget_events import forget_events
from billing.models import StripeInbox
from tests.makers import START


@pytest.mark.django_db
def test_worked_events_are_dropped_and_others_kept() -> None:
    ages = {"old": 91, "young": 89, "waiting": None}
    for name, age in ages.items():
        StripeInbox.objects.create(
            event_id=name,
            type="refund.created",
            payload={},
            received_at=START - timedelta(days=200),
            worked_at=None if age is None else START - timedelta(days=age),
            error="no answer" if age is None else "",
        )
    assert forget_events(START) == 1
    left = StripeInbox.objects.values_list("event_id", flat=True)
    assert set(left) == {"young", "waiting"}
