"""Owners are told what staff did to their account, and why (rule 11)."""

from datetime import date
from typing import Any

import pytest

from accounts.models import Notice, NoticeKind, Organisation, User
from billing.promotional import grant_promotional_credit
from credits.adjust import forgive_debt, lower_lot
from credits.extend import extend_lot
from credits.models import Lot
from credits.money import to_micros
from credits.spend import spend
from tests.makers import START, make_lot, make_user

REASON = "Two days without service"


@pytest.fixture
def staff(db: None) -> User:
    return make_user("sue@provider.example", name="Sue", is_staff=True)


def told(organisation: Organisation) -> list[tuple[str, str, int, str]]:
    """Deed, who did it, micros and reader of each message."""
    owed = Notice.objects.filter(
        organisation=organisation, kind=NoticeKind.STAFF_ACTION
    ).order_by("pk")
    return [
        (
            notice.context["deed"],
            notice.context["actor"],
            notice.context["amount"],
            notice.recipient,
        )
        for notice in owed
    ]


def give(organisation: Organisation, staff: User) -> Lot:
    return grant_promotional_credit(
        organisation,
        to_micros(5),
        months=3,
        reason=REASON,
        actor=staff,
        token="t1",
        at=START,
    )


def test_credit_given_and_extended_is_told_once(
    formosa: Organisation, alice: User, staff: User
) -> None:
    lot = give(formosa, staff)
    give(formosa, staff)
    for _twice in range(2):
        extend_lot(lot, date(2026, 9, 1), reason=REASON, actor=staff, at=START)
    five = to_micros(5)
    assert told(formosa) == [
        ("credit_given", "Sue", five, alice.email),
        ("lot_extended", "Sue", five, alice.email),
    ]


def test_an_adjustment_is_told(formosa: Organisation, alice: User, staff: User) -> None:
    lot = make_lot(formosa, "8")
    how: dict[str, Any] = {"reason": REASON, "at": START, "actor": staff}
    lower_lot(lot, to_micros(3), reference="case:1", **how)
    spend(
        formosa, amount=to_micros(7), reference="call:1#1", started_at=START, at=START
    )
    forgive_debt(formosa.pk, to_micros(2), reference="case:2", **how)
    assert told(formosa) == [
        ("credit_adjusted", "Sue", to_micros(-3), alice.email),
        ("credit_adjusted", "Sue", to_micros(2), alice.email),
    ]
