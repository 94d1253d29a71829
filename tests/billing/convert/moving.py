"""Moves organisations to NCE and asks what is left, with as few words as it takes."""

from datetime import datetime

from django.db.models import Max

from accounts.models import BillingMode, Organisation, Role
from billing.convert.move_to_nce import move_to_nce
from billing.prove import prove as prove_billing
from calling.models import Bucket, CallingPlan
from calling.prove import prove as prove_calls
from credits.models import LedgerEntry
from credits.money import Micros
from credits.prove import prove as prove_credits
from tests.calling.plans import make_plan
from tests.makers import START

REASON = "They asked for invoices by telephone"
MINUTES = {Bucket.DOMESTIC: 100}


def move(
    organisation: Organisation, *, at: datetime, spending_limit: Micros | None = None
) -> Organisation:
    return move_to_nce(
        organisation,
        actor=organisation.memberships.get(role=Role.OWNER).user,
        reason=REASON,
        at=at,
        spending_limit=spending_limit,
    )


def make_twins(
    family: str = "domestic", *, price: str = "12", nce_price: str = "13"
) -> tuple[CallingPlan, CallingPlan]:
    """A plan of 100 domestic minutes, prepaid and its NCE twin."""
    return (
        make_plan(family, MINUTES, price=price),
        make_plan(family, MINUTES, price=nce_price, mode=BillingMode.NCE),
    )


def assert_proven() -> None:
    """Every invariant of credits, calling and billing."""
    newest = LedgerEntry.objects.aggregate(at=Max("booked_at"))["at"]
    at = newest or START
    assert prove_credits(at=at).breaches == []
    assert prove_calls(at=at).breaches == []
    assert prove_billing(at=at).breaches == []
