"""Auto-recharge is switched on with consent, and contradictions are refused (5.1)."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.models import AuditEvent, Organisation
from billing.models import AutoRecharge, Consent, PaymentMethod
from billing.recharging.auto_recharge import (
    allow_auto_recharge,
    stop_auto_recharge,
    switch_off_auto_recharge,
)
from billing.recharging.recharge_settings import (
    recharge_warnings,
    settings_of,
)
from billing.recharging.recharge_state import recharge_status
from billing.refusals import RechargeIsOff
from calling.models import UsageDay
from credits.models import Wallet
from credits.money import from_money
from tests import makers
from tests.billing.recharging import (
    DAY,
    make_card,
    owner_of,
    settings_for,
    switch_on,
    usd,
)

NOW = timezone.now()


@pytest.fixture(autouse=True)
def _sold(db: None) -> None:
    makers.make_terms("USD")


@pytest.fixture
def card(formosa: Organisation) -> PaymentMethod:
    return make_card(formosa, at=NOW)


def wallet_of(organisation: Organisation) -> Wallet:
    return Wallet.objects.get(pk=organisation.pk)


def refused(*args: Any, **kwargs: Any) -> dict[str, tuple[str, list[str]]]:
    """Field → code and sentence of what was refused."""
    with pytest.raises(ValidationError) as error:
        switch_on(*args, **kwargs)
    return {
        field: (problems[0].code or "", problems[0].messages)
        for field, problems in error.value.error_dict.items()
    }


# --- consent --------------------------------------------------------------------------


def test_consent_is_kept_as_evidence(
    formosa: Organisation, card: PaymentMethod
) -> None:
    row = switch_on(formosa, card, at=NOW)
    kept = Consent.objects.get()
    assert kept == row.consent
    assert (kept.user, kept.given_at, kept.ip) == (
        owner_of(formosa),
        NOW,
        "192.0.2.7",
    )
    amounts = [kept.trigger, kept.amount, kept.monthly_limit]
    assert list(map(from_money, amounts)) == [usd("20"), usd("100"), usd("1000")]
    assert kept.text_version == "1"
    for word in ("US$20.00", "US$100.00", "US$1,000.00", card.last_four):
        assert word in kept.text


def test_b30_nothing_is_switched_on_without_consent(
    formosa: Organisation, card: PaymentMethod
) -> None:
    assert refused(formosa, card, at=NOW, consent=False)["consent"][0] == (
        "consent_missing"
    )
    assert not AutoRecharge.objects.exists()
    assert wallet_of(formosa).trigger is None


@pytest.mark.parametrize(
    "raised",
    [{"amount": usd("101")}, {"monthly_limit": usd("1001")}, {"catches_up": True}],
)
def test_more_than_was_agreed_to_asks_again(
    formosa: Organisation, card: PaymentMethod, raised: dict[str, Any]
) -> None:
    switch_on(formosa, card, at=NOW)
    assert "consent" in refused(formosa, card, at=NOW, consent=False, **raised)
    switch_on(formosa, card, at=NOW + DAY, consent=True, **raised)
    assert Consent.objects.count() == 2


@pytest.mark.parametrize(
    "changed",
    [{"amount": usd("99")}, {"trigger": usd("30")}, {"only_when_used": False}, {}],
)
def test_what_is_not_more_needs_no_new_consent(
    formosa: Organisation, card: PaymentMethod, changed: dict[str, Any]
) -> None:
    first = switch_on(formosa, card, at=NOW)
    again = switch_on(formosa, card, at=NOW + DAY, consent=False, **changed)
    assert (again.pk, again.consent) == (first.pk, first.consent)
    assert (again.switched_on_at, again.changed_at) == (NOW, NOW + DAY)


# --- settings -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "field", "code"),
    [
        ({"amount": usd("49.99")}, "amount", "below_minimum"),
        ({"amount": usd("10001")}, "amount", "above_maximum"),
        ({"amount": usd("100.001")}, "amount", "finer_than_step"),
        ({"trigger": usd("-1")}, "trigger", "below_zero"),
        ({"trigger": usd("0.001")}, "trigger", "finer_than_step"),
        ({"trigger": usd("1000")}, "trigger", "trigger_too_high"),
        ({"monthly_limit": usd("99.99")}, "monthly_limit", "limit_below_amount"),
        ({"monthly_limit": usd("100.001")}, "monthly_limit", "finer_than_step"),
        (
            {
                "trigger": usd("48000"),
                "amount": usd("10000"),
                "monthly_limit": usd("90000"),
            },
            "trigger",
            "above_maximum_balance",
        ),
    ],
)
def test_b25_contradiction_is_refused_when_saved(
    formosa: Organisation,
    card: PaymentMethod,
    changed: dict[str, Any],
    field: str,
    code: str,
) -> None:
    problems = refused(formosa, card, at=NOW, **changed)
    said, sentences = problems[field]
    assert (said, len(sentences)) == (code, 1)
    assert not AutoRecharge.objects.exists()
    assert not Consent.objects.exists()


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"expiry_year": 2020}, "card_expired"),
        ({"is_reusable": False}, "card_not_reusable"),
        ({"removed_at": NOW}, "card_not_kept"),
        ({"suspended_at": NOW}, "card_paused"),
    ],
)
def test_card_that_cannot_be_charged_is_refused(
    formosa: Organisation, card: PaymentMethod, facts: dict[str, Any], code: str
) -> None:
    bad = make_card(formosa, at=NOW, **facts)
    assert refused(formosa, bad, at=NOW)["payment_method"][0] == code
    assert refused(formosa, card, at=NOW, backup=bad)["backup"][0] == code


def test_card_of_somebody_else_is_refused(
    formosa: Organisation, card: PaymentMethod
) -> None:
    other = makers.make_organisation()
    theirs = make_card(other, at=NOW)
    assert refused(formosa, theirs, at=NOW)["payment_method"][0] == "card_not_kept"
    assert refused(formosa, card, at=NOW, backup=card)["backup"][0] == (
        "auto_recharge_backup_is_another"
    )


def test_card_is_good_to_the_last_day_of_its_month(formosa: Organisation) -> None:
    today = formosa.local_day(NOW)
    good = make_card(formosa, at=NOW, expiry_year=today.year, expiry_month=today.month)
    switch_on(formosa, good, at=NOW)


def test_settings_may_change_while_the_card_in_use_is_paused(
    formosa: Organisation, card: PaymentMethod
) -> None:
    switch_on(formosa, card, at=NOW)
    PaymentMethod.objects.update(suspended_at=NOW, suspended_code="lost_card")
    card.refresh_from_db()
    switch_on(formosa, card, at=NOW, trigger=usd("10"))
    card.refresh_from_db()
    assert card.suspended_at == NOW


def test_b23_amount_below_a_usual_day_or_the_shortfall_is_warned_about(
    formosa: Organisation, card: PaymentMethod
) -> None:
    today = formosa.local_day(NOW)
    for ago in range(1, 29):
        UsageDay.objects.create(
            organisation=formosa,
            day=today - ago * DAY,
            kind="domestic",
            currency="USD",
            calls=1,
            seconds=60,
            amount=usd("120"),
            pool_amount=0,
        )
    low = settings_for(card, trigger=usd("150"))
    codes = [one.code for one in recharge_warnings(formosa, low, at=NOW)]
    assert codes == ["amount_below_a_day", "amount_below_shortfall"]
    enough = settings_for(card, amount=usd("500"), trigger=usd("150"))
    assert recharge_warnings(formosa, enough, at=NOW) == []


# --- on, off, stopped -----------------------------------------------------------------


def test_switching_on_arms_the_wallet_and_off_disarms_it(
    formosa: Organisation, card: PaymentMethod
) -> None:
    assert (recharge_status(formosa, NOW).state, settings_of(formosa)) == ("off", None)
    switch_on(formosa, card, at=NOW)
    assert wallet_of(formosa).trigger == usd("20")
    assert wallet_of(formosa).recharge_wanted
    status = recharge_status(formosa, NOW)
    assert (status.state, status.is_below, status.card) == ("armed", True, card)
    assert settings_of(formosa) == settings_for(card)
    switch_off_auto_recharge(formosa, actor=owner_of(formosa), at=NOW)
    switch_off_auto_recharge(formosa, actor=owner_of(formosa), at=NOW)
    assert wallet_of(formosa).trigger is None
    assert not wallet_of(formosa).recharge_wanted
    assert not AutoRecharge.objects.exists()
    assert Consent.objects.count() == 1
    verbs = AuditEvent.objects.order_by("id").values_list("verb", flat=True)
    assert list(verbs) == ["save_auto_recharge", "switch_off_auto_recharge"]


def test_staff_stop_and_allow_one_organisation(
    formosa: Organisation, card: PaymentMethod
) -> None:
    staff = makers.make_user("staff@provider.example", is_staff=True)
    because = "Looks like fraud to us"
    with pytest.raises(RechargeIsOff):
        stop_auto_recharge(formosa, because, actor=staff, at=NOW)
    switch_on(formosa, card, at=NOW)
    stop_auto_recharge(formosa, because, actor=staff, at=NOW)
    status = recharge_status(formosa, NOW)
    assert (status.state, status.code) == ("suspended", "stopped_by_staff")
    allow_auto_recharge(formosa, because, actor=staff, at=NOW)
    assert recharge_status(formosa, NOW).state == "armed"
    said = AuditEvent.objects.filter(reason=because).values_list("verb", flat=True)
    assert set(said) == {"stop_auto_recharge", "allow_auto_recharge"}
