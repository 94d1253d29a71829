"""Whoever pays is told once that a saved card expires (rule 11)."""

from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.models import Notice, Organisation
from accounts.send import compose
from billing.cards.tell_expiring_cards import (
    expiring_cards,
    last_day_of,
    tell_of_expiring_cards,
)
from tests import makers
from tests.billing.recharging import make_card

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def mails() -> list[Notice]:
    return list(Notice.objects.filter(kind="card_expiring").order_by("pk"))


def test_a_card_is_good_to_the_last_day_of_its_month(formosa: Organisation) -> None:
    card = make_card(formosa, at=NOON, expiry_year=2028, expiry_month=2)
    assert last_day_of(card) == date(2028, 2, 29)
    assert not card.is_expired(date(2028, 2, 29))
    assert card.is_expired(date(2028, 3, 1))


def test_each_card_is_told_of_once(formosa: Organisation) -> None:
    card = make_card(formosa, at=NOON, expiry_year=2026, expiry_month=11)
    make_card(formosa, at=NOON, expiry_year=2027, expiry_month=11)
    for day in range(0, 29, 7):
        tell_of_expiring_cards(NOON + timedelta(days=day))
    assert [one.episode for one in mails()] == [f"card:{card.pk}:2026-11"]
    subject = compose(mails()[0]).subject
    assert subject == f"{card.title} expires this month"
    assert "30 November 2026" in compose(mails()[0]).body


def test_a_renewed_card_is_told_of_again(formosa: Organisation) -> None:
    card = make_card(formosa, at=NOON, expiry_year=2026, expiry_month=11)
    tell_of_expiring_cards(NOON)
    card.expiry_year = 2027
    card.save()
    tell_of_expiring_cards(datetime(2027, 11, 2, tzinfo=UTC))
    assert len(mails()) == 2


@pytest.mark.parametrize(
    ("zone", "at", "is_told"),
    [
        ("Asia/Taipei", datetime(2026, 10, 31, 15, tzinfo=UTC), True),
        ("Asia/Taipei", datetime(2026, 10, 30, 15, tzinfo=UTC), False),
        ("America/New_York", datetime(2026, 11, 1, 3, tzinfo=UTC), True),
        ("America/New_York", datetime(2026, 10, 31, 3, tzinfo=UTC), False),
        ("America/New_York", datetime(2026, 12, 1, 4, tzinfo=UTC), True),
        ("America/New_York", datetime(2026, 12, 1, 6, tzinfo=UTC), False),
        ("Asia/Taipei", datetime(2026, 11, 30, 15, tzinfo=UTC), True),
        ("Asia/Taipei", datetime(2026, 11, 30, 17, tzinfo=UTC), False),
    ],
)
def test_days_are_those_where_the_organisation_is(
    db: None, zone: str, at: datetime, is_told: bool
) -> None:
    organisation = makers.make_organisation(time_zone=zone)
    make_card(organisation, at=NOON, expiry_year=2026, expiry_month=11)
    assert bool(expiring_cards(at)) is is_told


def test_removed_cards_are_nobodys_concern(formosa: Organisation) -> None:
    make_card(formosa, at=NOON, expiry_year=2026, expiry_month=11, removed_at=NOON)
    assert tell_of_expiring_cards(NOON) == 0
