"""Customers are told from which day on they pay more (rules 6.1 and 11)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail

from accounts.models import Notice, NoticeKind, Organisation, User
from accounts.send import send_due_notices
from calling import tell_rate_rises as sweep
from calling.activate_rates import restore_version
from calling.choose_default_card import DefaultWithoutNotice, choose_default_card
from calling.import_rates import import_rates
from calling.jobs import tell_rises
from calling.models import DefaultCardChoice, Purpose, RateCard, RateCardVersion
from calling.price_rises import RiseWithoutNotice, rises_of
from calling.tell_rate_rises import tell_rate_rises
from calling.write_rates import read_rates
from tests.calling.telephony import make_card
from tests.makers import START, make_organisation

DECEMBER = datetime(2026, 11, 30, 16, tzinfo=UTC)  # midnight in Taipei
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
OLD = [
    {"prefix": "81", "rate": "0.021", "destination": "Japan"},
    {"prefix": "44", "rate": "0.012", "destination": "Great Britain"},
    {"prefix": "8190", "rate": "0.11", "destination": "Japan Mobile"},
]
NEW = [
    {"prefix": "81", "rate": "0.022", "destination": "Japan"},
    {"prefix": "44", "rate": "0.010", "destination": "Great Britain"},
    {"prefix": "8190", "rate": "0.22", "destination": "Japan Mobile"},
]


@pytest.fixture
def old(db: None) -> RateCardVersion:
    version = make_card(OLD)
    assert tell_rate_rises(START) == 0  # nobody pays more than nothing before
    version.refresh_from_db()
    assert version.told_at == START
    return version


def told() -> list[tuple[str, str]]:
    rows = Notice.objects.filter(kind=NoticeKind.RATES_CHANGE).order_by("recipient")
    return list(rows.values_list("organisation__name", "recipient"))


def test_owner_and_billing_are_told_from_which_day_once(
    old: RateCardVersion, formosa: Organisation, alice: User, bob: User
) -> None:
    make_card(NEW, valid_from=DECEMBER)
    assert tell_rate_rises(NOVEMBER) == 1
    assert tell_rate_rises(NOVEMBER) == 0
    assert {recipient for _, recipient in told()} == {
        formosa.billing_email,
        alice.email,
    }
    send_due_notices(NOVEMBER)
    message = mail.outbox[0]
    assert message.subject == "New rates from 1 December 2026"
    body = " ".join(str(message.body).split())
    assert "From 1 December 2026 2 prices for the calls of Formosa" in body
    assert "three minutes to Japan Mobile cost US$0.66 instead of US$0.33" in body


def test_what_only_gets_cheaper_tells_nobody(
    old: RateCardVersion, formosa: Organisation
) -> None:
    make_card([*OLD[:1], NEW[1], OLD[2]], valid_from=DECEMBER)
    assert tell_rate_rises(NOVEMBER) == 0
    assert not RateCardVersion.objects.filter(told_at=None).exists()


def test_a_card_concerns_those_whom_it_prices(
    old: RateCardVersion, formosa: Organisation
) -> None:
    make_organisation(currency="EUR")
    pacific = make_organisation("Pacific")
    make_card(OLD, name="Own", organisation=pacific)
    tell_rate_rises(START)
    make_card(NEW, valid_from=DECEMBER)
    make_card(NEW, name="Conference", purpose=Purpose.CONFERENCE)
    tell_rate_rises(NOVEMBER)
    assert {name for name, _ in told()} == {formosa.name}
    make_card(NEW, name="Own", organisation=pacific, valid_from=DECEMBER)
    tell_rate_rises(NOVEMBER)
    assert {name for name, _ in told()} == {formosa.name, pacific.name}


def test_an_own_card_that_is_dearer_than_the_default_is_a_rise(
    old: RateCardVersion, formosa: Organisation
) -> None:
    make_card(NEW, name="Own", organisation=formosa, valid_from=DECEMBER)
    assert tell_rate_rises(NOVEMBER) == 1


def test_a_version_that_was_replaced_before_it_held_tells_nothing(
    old: RateCardVersion, formosa: Organisation
) -> None:
    make_card(NEW, valid_from=DECEMBER)
    make_card(OLD, valid_from=DECEMBER)
    assert tell_rate_rises(NOVEMBER) == 0


def test_many_customers_are_told_in_several_runs(
    old: RateCardVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        make_organisation()
    monkeypatch.setattr(sweep, "ORGANISATIONS_AT_MOST", 2)
    make_card(NEW, valid_from=DECEMBER)
    assert [tell_rate_rises(NOVEMBER) for _ in range(4)] == [2, 2, 1, 0]
    assert len({name for name, _ in told()}) == 5


def test_a_longer_dearer_prefix_and_a_lost_cheaper_one_are_rises(
    old: RateCardVersion,
) -> None:
    before = read_rates(old).rates
    split = make_card([*OLD, {"prefix": "447500", "rate": "0.34"}])
    assert [one.prefix for one in rises_of(before, read_rates(split).rates)] == [
        "447500"
    ]
    cheap = make_card([*OLD, {"prefix": "8150", "rate": "0.001"}])
    lost = rises_of(read_rates(cheap).rates, before)
    assert [(one.prefix, one.destination) for one in lost] == [("81", "Japan")]


def deck_of(rates: list[dict[str, str]]) -> bytes:
    rows = [f"{one['prefix']},{one['destination']},{one['rate']}" for one in rates]
    return "\n".join(["prefix,destination,rate_per_minute", *rows]).encode()


def test_a_card_keeps_the_notice_it_promises(
    old: RateCardVersion, formosa: Organisation, alice: User
) -> None:
    RateCard.objects.update(notice_days=30)
    card: dict[str, Any] = {"card_name": "Standard", "currency": "USD"}
    card["purpose"] = "calling"
    raw = deck_of(NEW)
    with pytest.raises(RiseWithoutNotice) as refused:
        import_rates(raw, at=NOVEMBER, valid_from=NOVEMBER + timedelta(days=29), **card)
    assert str(refused.value) == (
        "2 prices rise, and Standard promises 30 days of notice: "
        "choose 2026-12-01 00:01 UTC or later."
    )
    assert RateCardVersion.objects.count() == 1
    done = import_rates(
        raw, at=NOVEMBER, valid_from=NOVEMBER + timedelta(days=30), **card
    )
    # What gets cheaper needs no notice; going back to the dearer does.
    later = NOVEMBER + timedelta(days=40)
    cheap = deck_of([OLD[0], NEW[1], OLD[2]])
    cheaper = import_rates(cheap, at=later, **card)
    assert len(cheaper.versions) == 1
    with pytest.raises(RiseWithoutNotice):
        restore_version(
            done.versions[0],
            valid_from=None,
            basis=cheaper.versions[0].pk,
            actor=alice,
            reason="The old prices were right.",
            at=later + timedelta(days=1),
        )


def test_the_job_runs(old: RateCardVersion, formosa: Organisation) -> None:
    make_card(NEW, valid_from=DECEMBER)
    tell_rises()
    assert told()


# --- another card becomes the default -------------------------------------------------


def other_card(rates: list[dict[str, str]], **more: Any) -> RateCard:
    """A card that prices nobody yet."""
    facts = {"currency": "USD", "purpose": Purpose.CALLING}
    card, _ = RateCard.objects.get_or_create(name="Other", defaults=facts)
    make_card(rates, name="Other", **more)
    return card


def choose(card: RateCard, alice: User, at: datetime = NOVEMBER) -> None:
    choose_default_card(card, actor=alice, reason="A new list.", at=at)


def test_a_dearer_default_is_told_to_whom_it_prices_once(
    old: RateCardVersion, formosa: Organisation, alice: User
) -> None:
    pacific = make_organisation("Pacific")
    make_card(OLD, name="Own", organisation=pacific)
    make_organisation("Euro", currency="EUR")
    tell_rate_rises(START)
    choose(other_card(NEW), alice)
    assert tell_rate_rises(NOVEMBER) == 1
    assert tell_rate_rises(NOVEMBER) == 0
    assert {name for name, _ in told()} == {formosa.name}
    send_due_notices(NOVEMBER)
    assert mail.outbox[0].subject == "New rates from 1 November 2026"
    assert "2 prices for the calls of" in " ".join(str(mail.outbox[0].body).split())


def test_a_cheaper_default_tells_nobody(
    old: RateCardVersion, formosa: Organisation, alice: User
) -> None:
    choose(other_card([{**rate, "rate": "0.001"} for rate in OLD]), alice)
    assert tell_rate_rises(NOVEMBER) == 0
    assert not DefaultCardChoice.objects.filter(told_at=None).exists()


def test_a_choice_that_was_taken_back_at_once_tells_nobody(
    old: RateCardVersion, formosa: Organisation, alice: User
) -> None:
    choose(other_card(NEW), alice)
    choose(old.card, alice, NOVEMBER + timedelta(seconds=30))
    assert tell_rate_rises(NOVEMBER + timedelta(minutes=1)) == 0
    for day in (1, 2):  # each of them has something that is dearer
        card = RateCard.objects.get(is_default=False)
        choose(card, alice, NOVEMBER + timedelta(days=day))
        assert tell_rate_rises(NOVEMBER + timedelta(days=day)) == 1


def test_what_waits_on_the_new_default_is_told_too(
    old: RateCardVersion, formosa: Organisation, alice: User
) -> None:
    card = other_card(OLD)
    make_card(NEW, name="Other", valid_from=DECEMBER)
    assert tell_rate_rises(NOVEMBER) == 0
    choose(card, alice)
    assert tell_rate_rises(NOVEMBER) == 1
    send_due_notices(NOVEMBER)
    assert mail.outbox[0].subject == "New rates from 1 December 2026"


def test_many_customers_of_a_new_default_are_told_in_several_runs(
    old: RateCardVersion, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        make_organisation()
    monkeypatch.setattr(sweep, "ORGANISATIONS_AT_MOST", 2)
    choose(other_card(NEW), alice)
    assert [tell_rate_rises(NOVEMBER) for _ in range(4)] == [2, 2, 1, 0]


def test_a_dearer_default_breaks_no_promise_of_notice(
    old: RateCardVersion, formosa: Organisation, alice: User
) -> None:
    RateCard.objects.filter(pk=old.card_id).update(notice_days=30)
    card = other_card(NEW)
    with pytest.raises(DefaultWithoutNotice) as refused:
        choose(card, alice)
    assert str(refused.value) == (
        "2 prices rise, and Standard promises 30 days of notice: bring the new prices "
        "into Standard instead, from 2026-12-01 00:01 UTC or later."
    )
    assert RateCard.objects.get(is_default=True) == old.card
    assert not DefaultCardChoice.objects.exists()
