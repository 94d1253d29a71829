"""An outcome that is not known is resent with its key, later only looked for (5.3)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import stripe
from django.utils import timezone

from accounts.models import StaffTask
from billing import gateway
from billing.models import AttemptState, PaymentMethod, RechargeAttempt, RechargeTry
from billing.recharging.approve_recharge import give_up_recharge
from billing.recharging.auto_recharge import switch_off_auto_recharge
from billing.recharging.recharge import sweep_recharges
from billing.refusals import NotLookedForYet
from billing.top_up import finish_top_up
from billing.work_event import finish_payment
from tests import makers
from tests.billing.recharging import (
    HOUR,
    MINUTE,
    NO_MONEY,
    Recharger,
    owner_of,
    usd,
)

PAYMENTS = "/v1/payment_intents"
LOST_ANSWERS = ["connection_reset_after", "http_500_after", "timeout_after_charge"]
NEVER_REACHED = ["connection_reset", "http_500", "http_429", "timeout_before"]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch, recharger: Recharger) -> None:
    recharger.switch_on()
    impatient = stripe.RequestsClient(timeout=0.5)
    monkeypatch.setattr(stripe, "default_http_client", impatient)


@pytest.mark.parametrize("loss", LOST_ANSWERS)
def test_b7_answer_that_was_lost_is_asked_for_with_the_same_key(
    recharger: Recharger, loss: str
) -> None:
    recharger.sandbox.fail(loss, PAYMENTS)
    attempt = recharger.charge()
    assert attempt.state == AttemptState.SENT
    assert recharger.wallet.incoming == usd("100")
    assert recharger.status.state == "charging"
    assert recharger.mails() == []  # B6: an outage is no decline
    assert recharger.go_on() == 0
    recharger.later(2 * MINUTE)
    assert recharger.go_on() == 1
    [charge] = recharger.charges()
    assert charge.paid
    attempt.refresh_from_db()
    assert (attempt.state, attempt.tries.count()) == (AttemptState.PAID, 1)
    recharger.prove()


@pytest.mark.parametrize("outage", NEVER_REACHED)
def test_outage_is_no_decline(recharger: Recharger, outage: str) -> None:
    recharger.sandbox.fail(outage, PAYMENTS, times=3)
    recharger.charge()
    for _ in range(2):
        recharger.later(2 * HOUR)
        recharger.go_on()
    assert recharger.charges() == []
    method = PaymentMethod.objects.get()
    assert (method.declines, recharger.mails()) == (0, [])
    recharger.later(2 * HOUR)
    recharger.go_on()
    assert RechargeAttempt.objects.get().state == AttemptState.PAID
    recharger.prove()


def test_b6_worker_that_dies_after_the_claim_charges_once(
    recharger: Recharger,
) -> None:
    assert sweep_recharges(recharger.now) == 1
    assert sweep_recharges(recharger.now) == 0
    [one] = RechargeTry.objects.all()
    assert (one.first_sent_at, one.outcome) == (None, "unknown")
    assert recharger.wallet.incoming == 0
    recharger.later(5 * MINUTE)
    assert recharger.go_on() == 1
    assert len(recharger.charges()) == 1
    recharger.prove()


def test_b20_outage_that_lasts_is_no_reason_to_charge_more(
    recharger: Recharger,
) -> None:
    """The key is kept; it is sent again ever more rarely."""
    recharger.sandbox.fail("http_500", PAYMENTS, times=99)
    recharger.charge()
    recharger.minute_by_minute(22 * HOUR, 5 * MINUTE)
    [one] = RechargeTry.objects.all()
    assert one.last_sent_at is not None
    assert one.first_sent_at is not None
    assert one.last_sent_at - one.first_sent_at < 23 * HOUR
    assert RechargeAttempt.objects.count() == 1
    assert recharger.charges() == []
    assert recharger.wallet.incoming == usd("100")
    recharger.prove()


def test_b7_key_is_not_sent_again_after_23_hours(recharger: Recharger) -> None:
    recharger.sandbox.fail("http_500", PAYMENTS)
    attempt = recharger.charge()
    one = attempt.tries.get()
    recharger.later(23 * HOUR)
    recharger.go_on()
    assert recharger.charges() == []
    one.refresh_from_db()
    assert one.last_sent_at == one.first_sent_at
    task = StaffTask.objects.get()
    assert (task.kind, task.reference) == ("recharge_outcome_not_known", one.stripe_key)
    recharger.minute_by_minute(6 * HOUR)
    assert StaffTask.objects.count() == 1
    assert recharger.status.state == "charging"
    recharger.prove()


def test_payment_that_is_found_after_23_hours_is_credited(
    recharger: Recharger,
) -> None:
    recharger.sandbox.fail("http_500_after", PAYMENTS)
    attempt = recharger.charge()
    recharger.later(30 * HOUR)
    recharger.go_on()
    attempt.refresh_from_db()
    assert attempt.state == AttemptState.PAID
    assert not StaffTask.objects.exists()
    assert len(recharger.charges()) == 1
    recharger.prove()


def test_staff_give_up_what_nobody_finds(recharger: Recharger) -> None:
    staff = makers.make_user("staff@provider.example", is_staff=True)
    why = "Stripe's support says there is none"
    recharger.sandbox.fail("http_500", PAYMENTS)
    attempt = recharger.charge()
    with pytest.raises(NotLookedForYet):
        give_up_recharge(attempt, why, actor=staff, at=recharger.now)
    recharger.later(24 * HOUR)
    recharger.go_on()
    given_up = give_up_recharge(attempt, why, actor=staff, at=recharger.now)
    assert given_up.state == AttemptState.FAILED
    assert recharger.wallet.incoming == 0
    recharger.charge()
    assert recharger.wallet.credit == usd("100")
    recharger.prove()


def test_giving_up_looks_once_more(recharger: Recharger) -> None:
    staff = makers.make_user("staff@provider.example", is_staff=True)
    recharger.sandbox.fail("http_500_after", PAYMENTS)
    attempt = recharger.charge()
    recharger.later(24 * HOUR)
    kept = give_up_recharge(
        attempt, "We think it was lost", actor=staff, at=recharger.now
    )
    assert kept.state == AttemptState.PAID
    recharger.prove()


def test_nothing_is_sent_again_after_it_was_switched_off(recharger: Recharger) -> None:
    recharger.sandbox.fail("http_500", PAYMENTS)
    recharger.charge()
    organisation = recharger.organisation
    switch_off_auto_recharge(
        organisation, actor=owner_of(organisation), at=recharger.now
    )
    recharger.minute_by_minute(6 * HOUR, 10 * MINUTE)
    assert recharger.charges() == []
    recharger.prove()


def test_what_was_charged_before_it_was_switched_off_is_credited(
    recharger: Recharger,
) -> None:
    recharger.sandbox.fail("http_500_after", PAYMENTS)
    recharger.charge()
    organisation = recharger.organisation
    switch_off_auto_recharge(
        organisation, actor=owner_of(organisation), at=recharger.now
    )
    recharger.later(2 * MINUTE)
    recharger.go_on()
    assert recharger.wallet.credit == usd("100")
    recharger.prove()


def test_b27_paid_already_is_success(recharger: Recharger) -> None:
    """The event was quicker than the answer that was lost."""
    recharger.sandbox.fail("connection_reset_after", PAYMENTS)
    attempt = recharger.charge()
    [intent] = stripe.PaymentIntent.list(limit=10).data
    finish_payment(gateway.fetch_payment(intent.id), at=recharger.now)
    attempt.refresh_from_db()
    assert attempt.state == AttemptState.PAID
    recharger.later(HOUR)
    assert recharger.go_on() == 0
    recharger.prove()


@pytest.mark.parametrize("times", [1, 3])
def test_b4_event_and_answer_of_one_decline_count_once(
    recharger: Recharger, times: int
) -> None:
    method = PaymentMethod.objects.get()
    recharger.sandbox.change_card(method.stripe_payment_method_id, NO_MONEY)
    attempt = recharger.charge()
    one = attempt.tries.get()
    for _ in range(times):
        finish_top_up(
            attempt.top_up_id,
            at=recharger.now,
            payment_id=one.stripe_payment_intent_id,
        )
        finish_top_up(attempt.top_up_id, at=recharger.now)
    method.refresh_from_db()
    assert method.declines == 1
    attempt.refresh_from_db()
    assert attempt.next_try_at == recharger.now + HOUR
    # News of the first try comes again while the second is on its way.
    recharger.sandbox.fail("http_500", PAYMENTS)
    recharger.later(HOUR)
    recharger.go_on()
    finish_top_up(
        attempt.top_up_id, at=recharger.now, payment_id=one.stripe_payment_intent_id
    )
    attempt.refresh_from_db()
    assert attempt.state == AttemptState.SENT
    recharger.prove()


def test_b19_claims_are_kept_when_our_own_code_fails(
    recharger: Recharger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_kwargs: object) -> str:
        raise stripe.AuthenticationError("No such key")

    with monkeypatch.context() as patch:
        patch.setattr(gateway, "charge_off_session", broken)
        with pytest.raises(stripe.AuthenticationError):
            recharger.recharge()
        recharger.later(timedelta(minutes=3))
        assert recharger.recharge() is None
        assert recharger.go_on() == 1
    recharger.later(HOUR)
    assert recharger.go_on() == 1
    assert len(recharger.charges()) == 1
    assert timezone.now() < recharger.now
    recharger.prove()


def test_a_payment_that_is_still_under_way_is_not_given_up(
    recharger: Recharger, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff = makers.make_user("staff@provider.example", is_staff=True)
    recharger.sandbox.fail("http_500_after", PAYMENTS)
    attempt = recharger.charge()
    recharger.later(24 * HOUR)
    ask = gateway.list_payments

    def still_under_way(*args: Any, **more: Any) -> list[gateway.Payment]:
        return [replace(one, status="processing") for one in ask(*args, **more)]

    with monkeypatch.context() as patched:
        patched.setattr(gateway, "list_payments", still_under_way)
        with pytest.raises(NotLookedForYet):
            give_up_recharge(attempt, "Lost", actor=staff, at=recharger.now)
    attempt.refresh_from_db()
    assert attempt.state == AttemptState.SENT
    assert recharger.wallet.incoming == usd("100")
    kept = give_up_recharge(attempt, "Lost", actor=staff, at=recharger.now)
    assert kept.state == AttemptState.PAID
    recharger.prove()
