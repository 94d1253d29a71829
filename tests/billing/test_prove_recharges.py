"""verify_ledger finds every breach of invariant 21, made here past every verb."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Organisation
from billing.models import AutoRecharge, RechargeAttempt, RechargeCause, RechargeTry
from billing.prove import prove
from billing.recharging.write_claims import Claim, write_claims
from credits.models import Wallet
from tests import makers
from tests.billing.recharging import DAY, HOUR, make_card, switch_on, usd

NOW = timezone.now()


@pytest.fixture
def row(formosa: Organisation) -> AutoRecharge:
    makers.make_terms("USD")
    return switch_on(formosa, make_card(formosa, at=NOW), at=NOW)


def claim(row: AutoRecharge, at: datetime, state: str = "paid") -> RechargeAttempt:
    """An attempt that no limit has judged."""
    card = row.payment_method
    sold = Claim(
        row.organisation_id, "USD", usd("100"), row.consent_id, card.pk, "cus_1"
    )
    [pk] = write_claims([sold], cause=RechargeCause.DEBIT, at=at)
    attempts = RechargeAttempt.objects.filter(pk=pk)
    if state != "claimed":
        attempts.update(state=state, ended_at=NOW, next_try_at=None)
    RechargeTry.objects.filter(attempt=pk).update(
        outcome="paid" if state == "paid" else "unknown", first_sent_at=at
    )
    return attempts.get()


def breaches() -> list[str]:
    found = prove(at=NOW).breaches
    return [line for line in found if line.endswith("(21)")]


def _too_close(row: AutoRecharge) -> None:
    claim(row, NOW)
    claim(row, NOW + timedelta(seconds=59))


def _four_an_hour(row: AutoRecharge) -> None:
    for minutes in (0, 20, 40, 59):
        claim(row, NOW + timedelta(minutes=minutes))


def _seven_a_day(row: AutoRecharge) -> None:
    for number in range(7):
        claim(row, NOW + number * timedelta(hours=3.9))


def _beyond_the_month(row: AutoRecharge) -> None:
    for number in range(11):
        claim(row, NOW.replace(day=1, hour=12) + number * 2 * DAY)


def _trigger_left_behind(row: AutoRecharge) -> None:
    Wallet.objects.filter(pk=row.organisation_id).update(trigger=None)


def _trigger_without_a_row(row: AutoRecharge) -> None:
    row.delete()


def _more_than_agreed(row: AutoRecharge) -> None:
    AutoRecharge.objects.update(amount=500, monthly_limit=9000)


def _number_rose_while_unknown(row: AutoRecharge) -> None:
    attempt = claim(row, NOW, "failed")
    RechargeTry.objects.update(outcome="action_required")
    _next_try(attempt, 2)


def _number_left_out(row: AutoRecharge) -> None:
    attempt = claim(row, NOW, "failed")
    RechargeTry.objects.update(outcome="declined")
    _next_try(attempt, 3)


def _next_try(attempt: RechargeAttempt, number: int) -> None:
    first = attempt.tries.get(number=1)
    attempt.tries.create(
        number=number,
        payment_method=first.payment_method,
        stripe_key=f"recharge:{attempt.pk}:{number}",
        made_at=NOW,
    )


def _resent_too_late(row: AutoRecharge) -> None:
    claim(row, NOW)
    RechargeTry.objects.update(last_sent_at=NOW + 23 * HOUR)


def _another_key(row: AutoRecharge) -> None:
    attempt = claim(row, NOW, "failed")
    RechargeTry.objects.update(outcome="declined")
    attempt.tries.create(
        number=2,
        payment_method=row.payment_method,
        stripe_key="once more",
        outcome="declined",
        made_at=NOW,
    )


BREACHES: dict[str, Callable[[AutoRecharge], None]] = {
    "more than 1 within 0:01:00": _too_close,
    "more than 3 within 1:00:00": _four_an_hour,
    "more than 6 within 1 day": _seven_a_day,
    "beyond the monthly limit": _beyond_the_month,
    "trigger None": _trigger_left_behind,
    "auto-recharge says None": _trigger_without_a_row,
    "charges more than was agreed to": _more_than_agreed,
    "was action_required, and tried again": _number_rose_while_unknown,
    "tries [1, 3]": _number_left_out,
    "resent after 23 hours": _resent_too_late,
    "not the key of its try": _another_key,
}


@pytest.mark.parametrize("sentence", BREACHES)
def test_breach_is_found(row: AutoRecharge, sentence: str) -> None:
    assert breaches() == []
    BREACHES[sentence](row)
    found = breaches()
    assert found
    assert all(sentence in line for line in found)


def test_limits_met_exactly_are_no_breach(row: AutoRecharge) -> None:
    for minutes in (0, 1, 60, 61, 120, 121, 1440):
        claim(row, NOW + timedelta(minutes=minutes))
    assert breaches() == []


def test_row_left_behind_on_nce_is_found(row: AutoRecharge) -> None:
    Organisation.objects.filter(pk=row.organisation_id).update(billing_mode="NCE")
    connection.check_constraints()
    found = prove(at=NOW).breaches
    assert f"auto-recharge {row.pk}: its organisation is on NCE (22)" in found
