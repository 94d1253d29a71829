"""Reminders before credit expires, and the message after (rule 3.8, museum A40)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from accounts.models import Notice, NoticeKind, Organisation, Role, User
from billing.jobs import tell_expiry
from billing.telling.tell_expiry import remind_of_expiry, tell_of_expired
from calling.models import UsageDay
from credits.draw import LATE_USAGE
from credits.expire import expire_due_lots, lapse_due_lots
from credits.expiry_date import start_of_day
from credits.extend import extend_lot
from credits.funds import last_day_of
from credits.models import Lot, LotKind
from credits.spend import spend
from tests.makers import START, make_lot, make_member, make_organisation, make_user

DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
EXPIRING = NoticeKind.CREDITS_EXPIRING


def midnight_before(lot: Lot, days: int) -> datetime:
    """When the lot's last day is that many days away, where its days are counted."""
    return start_of_day(last_day_of(lot) - days * DAY, lot.zone)


def steps() -> list[int]:
    found = Notice.objects.filter(kind=EXPIRING).order_by("id")
    episodes = dict.fromkeys(found.values_list("episode", flat=True))
    return [int(episode.rpartition(":")[2]) for episode in episodes]


@pytest.mark.parametrize(
    "zone", ["Asia/Taipei", "America/Los_Angeles", "Europe/London"]
)
def test_a40_each_step_is_told_once_at_midnight(db: None, zone: str) -> None:
    lot = make_lot(make_organisation(time_zone=zone), "50", kind=LotKind.PURCHASE)
    told: list[int] = []
    for step in (60, 30, 7, 1):
        due = midnight_before(lot, step)
        remind_of_expiry(due - MOMENT)
        assert steps() == told
        for _ in range(2):
            remind_of_expiry(due)
        told.append(step)
        assert steps() == told
    remind_of_expiry(lot.expires_at - MOMENT)
    assert steps() == told
    remind_of_expiry(lot.expires_at)
    assert steps() == told


def test_a40_steps_that_were_missed_are_not_caught_up(formosa: Organisation) -> None:
    lot = make_lot(formosa, "50", kind=LotKind.PURCHASE)
    remind_of_expiry(midnight_before(lot, 5))
    assert steps() == [7]


def test_a40_each_lot_has_its_own_reminders(formosa: Organisation) -> None:
    lots = [make_lot(formosa, "5", months=1) for _ in range(3)]
    after = 0
    while after := remind_of_expiry(midnight_before(lots[0], 7), after=after, limit=2):
        assert after in {lot.pk for lot in lots}
    assert steps() == [7, 7, 7]


def test_a_lot_that_is_used_up_is_not_told_of(formosa: Organisation) -> None:
    lot = make_lot(formosa, "5", months=1)
    spend(formosa, amount=5_000_000, reference="c#1", started_at=START, at=START)
    remind_of_expiry(midnight_before(lot, 7))
    assert steps() == []


def usage(organisation: Organisation, until: datetime, micros: int) -> None:
    """As much each day, for the last four weeks."""
    for n in range(1, 29):
        UsageDay.objects.create(
            organisation=organisation,
            day=organisation.local_day(until) - n * DAY,
            currency="USD",
            calls=1,
            seconds=60,
            amount=micros,
            pool_amount=0,
        )


@pytest.mark.parametrize(
    ("daily", "unused"), [(1_000_000, 20_000_000), (5_000_000, 0), (None, "")]
)
def test_a40_the_expected_loss_is_named(
    formosa: Organisation, daily: int | None, unused: int | str
) -> None:
    lot = make_lot(formosa, "50", kind=LotKind.PURCHASE)
    at = midnight_before(lot, 30)
    if daily is not None:
        usage(formosa, at, daily)
    remind_of_expiry(at)
    notice = Notice.objects.filter(kind=EXPIRING).first()
    assert notice is not None
    assert (notice.context["amount"], notice.context["days"]) == (50_000_000, 30)
    assert notice.context["unused"] == unused


def test_a40_nobody_can_opt_out(formosa: Organisation, alice: User) -> None:
    assert not NoticeKind.CREDITS_EXPIRING.rules.is_optional
    assert not NoticeKind.CREDITS_EXPIRED.rules.is_optional
    billing = make_user("ben@formosa.example")
    make_member(formosa, billing, Role.BILLING_ADMIN)
    lot = make_lot(formosa, "50", months=1)
    remind_of_expiry(midnight_before(lot, 7))
    told = set(Notice.objects.values_list("recipient", flat=True))
    assert told >= {formosa.billing_email, billing.email}


def test_an_extended_lot_is_reminded_of_its_new_day(formosa: Organisation) -> None:
    lot = make_lot(formosa, "50", months=1)
    at = midnight_before(lot, 7)
    remind_of_expiry(at)
    extended = extend_lot(
        lot,
        last_day_of(lot) + 20 * DAY,
        reason="A flood, case 1.",
        actor=make_user(is_staff=True),
        at=at,
    )
    remind_of_expiry(at)
    remind_of_expiry(midnight_before(extended, 7))
    assert steps() == [7, 30, 7]


def test_what_has_expired_is_told_once_it_is_posted(formosa: Organisation) -> None:
    lot = make_lot(formosa, "50", months=1)
    spend(formosa, amount=8_000_000, reference="c#1", started_at=START, at=START)
    lapse_due_lots(lot.expires_at)
    assert tell_of_expired(lot.expires_at) == 0
    at = lot.expires_at + LATE_USAGE
    expire_due_lots(at)
    assert [tell_of_expired(at), tell_of_expired(at)] == [1, 0]
    notice = Notice.objects.filter(kind=NoticeKind.CREDITS_EXPIRED).first()
    assert notice is not None
    assert notice.context["amount"] == 42_000_000


def test_what_late_calls_used_up_has_not_expired(formosa: Organisation) -> None:
    lot = make_lot(formosa, "5", months=1)
    at = lot.expires_at
    lapse_due_lots(at)
    spend(formosa, amount=5_000_000, reference="c#1", started_at=START, at=at)
    assert tell_of_expired(at) == 1
    assert tell_of_expired(at) == 0
    assert not Notice.objects.filter(kind=NoticeKind.CREDITS_EXPIRED).exists()


def test_the_job_does_both(db: None) -> None:
    tell_expiry()
    assert not Notice.objects.exists()


def test_a_leap_day_and_the_hour_that_is_missing(db: None) -> None:
    """Bought on 29 February 2028: valid through 28 February 2029, in London."""
    organisation = make_organisation(time_zone="Europe/London")
    at = datetime(2028, 2, 29, 23, 30, tzinfo=UTC)
    lot = make_lot(organisation, "50", kind=LotKind.PURCHASE, at=at)
    assert last_day_of(lot).isoformat() == "2029-02-28"
    summer = make_lot(
        organisation,
        "5",
        at=at,
        expires_at=datetime(2028, 3, 26, tzinfo=ZoneInfo("Europe/London")),
    )
    remind_of_expiry(midnight_before(summer, 1))
    assert steps() == [1]
