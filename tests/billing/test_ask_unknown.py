"""Charges whose answer never came are part of every reconciliation (rule 5.3)."""

from datetime import datetime, timedelta

import pytest
import stripe
from django.test import Client

from accounts.models import StaffTask, User
from billing import gateway
from billing.models import (
    AttemptState,
    RechargeAttempt,
    RechargeTry,
    ReconciliationRun,
    StripeInbox,
    TryOutcome,
)
from billing.recharging.ask_unknown import ask_about_try, ask_about_unknown_tries
from billing.recharging.recharge import OUTCOME_NOT_KNOWN
from billing.reconciling import compare_theirs, replays
from billing.reconciling.compare_with_stripe import compare_next
from billing.reconciling.open_orders import reconcile_open_orders
from billing.reconciling.page_sides import Compared
from tests.billing.recharging import DAY, HOUR, MINUTE, NO_MONEY, Recharger
from tests.billing.test_reconcile import TASKS, act, root

__all__ = ["root"]
PAYMENTS = "/v1/payment_intents"
NEVER_CHARGED, ANSWER_LOST = "http_500", "http_500_after"


@pytest.fixture(autouse=True)
def _switched_on(recharger: Recharger) -> None:
    recharger.switch_on()


def lost(recharger: Recharger, failure: str, times: int = 1) -> RechargeTry:
    recharger.sandbox.fail(failure, PAYMENTS, times=times)
    attempt = recharger.charge()
    assert attempt.state == AttemptState.SENT
    return attempt.tries.get()


def round_of_orders(at: datetime) -> ReconciliationRun:
    return reconcile_open_orders(
        at, is_over=lambda: False, lasted=lambda: timedelta(seconds=2)
    )


def both_ways(at: datetime) -> ReconciliationRun:
    cursor = ""
    while cursor := compare_next(cursor, at=at):
        pass
    return ReconciliationRun.objects.latest("pk")


def test_open_orders_ask_about_a_lost_answer(recharger: Recharger) -> None:
    one = lost(recharger, ANSWER_LOST)
    recharger.later(2 * MINUTE)
    run = round_of_orders(recharger.now)
    assert run.compared >= 1
    one.refresh_from_db()
    assert (one.outcome, one.looked_at) == (TryOutcome.PAID, recharger.now)
    assert len(recharger.charges()) == 1
    recharger.prove()


def test_open_orders_resend_with_the_same_key_before_23_hours(
    recharger: Recharger,
) -> None:
    one = lost(recharger, NEVER_CHARGED)
    recharger.later(22 * HOUR)
    assert ask_about_unknown_tries(recharger.now) == 1
    [charge] = recharger.charges()
    assert charge.metadata["try"] == one.stripe_key
    one.refresh_from_db()
    assert one.outcome == TryOutcome.PAID
    recharger.prove()


def test_open_orders_only_look_after_23_hours(recharger: Recharger) -> None:
    one = lost(recharger, NEVER_CHARGED)
    recharger.later(23 * HOUR)
    assert ask_about_unknown_tries(recharger.now) == 1
    assert ask_about_unknown_tries(recharger.now) == 0  # once a round
    assert recharger.charges() == []
    task = StaffTask.objects.get()
    assert (task.kind, task.reference) == (OUTCOME_NOT_KNOWN, one.stripe_key)
    recharger.prove()


def test_a_call_that_may_still_be_running_is_left_alone(recharger: Recharger) -> None:
    lost(recharger, ANSWER_LOST)
    recharger.later(MINUTE)
    assert ask_about_unknown_tries(recharger.now) == 0


def test_nothing_new_is_charged_by_reconciliation(recharger: Recharger) -> None:
    """Not a claim that was never sent, and no next try after a decline."""
    recharger.switch_on(NO_MONEY)
    attempt = recharger.charge()
    assert attempt.state == AttemptState.COOLING
    charges = len(recharger.charges())
    recharger.later(DAY)
    assert ask_about_unknown_tries(recharger.now) == 0
    assert both_ways(recharger.now).error == ""
    assert len(recharger.charges()) == charges
    assert attempt.tries.count() == 1


def test_gone_card_ends_the_try_and_its_backup_waits_for_the_sweep(
    recharger: Recharger,
) -> None:
    recharger.switch_on(backup=recharger.card())
    one = lost(recharger, NEVER_CHARGED)
    stripe.PaymentMethod.detach(one.payment_method.stripe_payment_method_id)
    recharger.later(2 * MINUTE)
    ask_about_unknown_tries(recharger.now)
    one.refresh_from_db()
    assert one.outcome == TryOutcome.DECLINED
    assert recharger.charges() == []
    assert RechargeAttempt.objects.latest("pk").tries.count() == 1
    recharger.go_on()
    assert len(recharger.charges()) == 1


def test_one_that_cannot_be_asked_about_does_not_stop_the_round(
    recharger: Recharger,
) -> None:
    one = lost(recharger, NEVER_CHARGED, times=3)
    recharger.later(2 * MINUTE)
    assert ask_about_unknown_tries(recharger.now) == 0  # Stripe is away
    one.refresh_from_db()
    assert one.looked_at == recharger.now
    assert one.outcome == TryOutcome.UNKNOWN


def charge_at_stripe(one: RechargeTry, card: str) -> None:
    """As if the answer to our own call had been lost."""
    top_up = one.attempt.top_up
    stripe.PaymentIntent.create(
        amount=10_000,
        currency="usd",
        customer=top_up.stripe_customer_id,
        payment_method=card,
        payment_method_types=["card"],
        confirm=True,
        metadata={
            "top_up": str(top_up.pk),
            "organisation": str(top_up.organisation_id),
            "try": one.stripe_key,
        },
    )


def test_daily_comparison_finds_the_charge_from_stripes_side(
    recharger: Recharger,
) -> None:
    """Declined at Stripe, unknown here: no event came and no money moved."""
    one = lost(recharger, NEVER_CHARGED)
    bad = recharger.card(NO_MONEY).stripe_payment_method_id
    with pytest.raises(stripe.CardError):
        charge_at_stripe(one, bad)
    at = recharger.now + MINUTE  # too soon to be asked about from our side
    payment = next(iter(stripe.PaymentIntent.list(limit=1).data))
    assert compare_theirs.compare_payment(gateway.fetch_payment(payment.id), at).differs
    one.refresh_from_db()
    assert one.outcome == TryOutcome.DECLINED
    assert one.payment_method.declines == 1
    again = compare_theirs.compare_payment(gateway.fetch_payment(payment.id), at)
    assert again == Compared(differs=False)
    recharger.prove()


def test_daily_comparison_asks_about_each_try_of_ours(recharger: Recharger) -> None:
    one = lost(recharger, NEVER_CHARGED)
    recharger.later(24 * HOUR)
    run = both_ways(recharger.now)
    lost_events = StripeInbox.objects.count()
    assert run.differences == lost_events + 1  # Stripe does not know what we sent
    assert StaffTask.objects.get(kind=OUTCOME_NOT_KNOWN).reference == one.stripe_key
    assert recharger.charges() == []
    # Still so the next day, and no second task; older than seven days it is not asked.
    assert both_ways(recharger.now + DAY).differences == 1
    assert StaffTask.objects.filter(kind=OUTCOME_NOT_KNOWN).count() == 1
    assert both_ways(recharger.now + 8 * DAY).differences == 0


def test_try_that_both_sides_know_is_no_difference(recharger: Recharger) -> None:
    one = lost(recharger, NEVER_CHARGED, times=9)
    assert not ask_about_try(one, at=recharger.now)  # may still be running
    recharger.sandbox.empty()
    paid = recharger.go_on()
    assert paid == 0
    recharger.later(2 * MINUTE)
    recharger.go_on()
    one.refresh_from_db()
    assert not ask_about_try(one, at=recharger.now)


def test_task_is_asked_about_again_with_one_click(
    client: Client, root: User, recharger: Recharger
) -> None:
    one = lost(recharger, NEVER_CHARGED)
    recharger.later(23 * HOUR)
    ask_about_unknown_tries(recharger.now)
    task = StaffTask.objects.get()
    said = replays.ask_about_try_again(task.reference, recharger.now + HOUR)
    assert not said.is_settled
    assert "no payment" in act(client, TASKS, "process_again", task.pk)
    assert RechargeTry.objects.get().outcome == TryOutcome.UNKNOWN
    # It turns up after all.
    charge_at_stripe(one, one.payment_method.stripe_payment_method_id)
    said = replays.ask_about_try_again(task.reference, recharger.now + 2 * HOUR)
    assert said.is_settled
    assert said.sentence == "The charge: Paid."
    recharger.prove()
