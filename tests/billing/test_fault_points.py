"""Every statement and every Stripe call fails once; nothing is lost or doubled (R4).

Museum B6, B7, B19 and B20: what was written before the call is gone on with, what was
charged is credited once, and what was declined counts once.
"""

import pytest
import stripe
from django.utils import timezone

from billing.models import AttemptState, PaymentMethod, RechargeAttempt, TopUp
from billing.prove import prove as prove_billing
from billing.recharging.recharge import sweep_recharges
from billing.reconciling.reconcile import reconcile_top_ups
from billing.top_up import finish_top_up
from credits.models import LedgerEntry, Wallet
from credits.prove import prove as prove_credits
from tests.billing.buying import Buyer
from tests.billing.faults import every_point
from tests.billing.recharging import DAY, HOUR, LOST, MINUTE, NO_MONEY, Recharger, usd

WHEN = pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
TURNS = 3


def paid_at_stripe() -> int:
    """Payments of the top-ups that stand in the database, by Stripe's own books."""
    ours = {str(pk) for pk in TopUp.objects.values_list("pk", flat=True)}
    found = stripe.PaymentIntent.list(limit=10).data
    return sum(
        intent.status == "succeeded" and intent.metadata.to_dict()["top_up"] in ours
        for intent in found
    )


def assert_credited_once(amount: int = 100) -> None:
    assert paid_at_stripe() == TopUp.objects.filter(state="paid").count() == 1
    wallet = Wallet.objects.get()
    assert (wallet.credit, wallet.incoming) == (usd(str(amount)), 0)
    assert LedgerEntry.objects.count() == 1
    at = timezone.now() + 2 * DAY
    assert prove_credits(at=at).breaches == []
    assert prove_billing(at=at).breaches == []


def go_on(recharger: Recharger, turns: int = TURNS) -> None:
    """The minute's job, a few times, long enough apart for every turn to come."""
    for _ in range(turns):
        recharger.later(2 * HOUR)
        sweep_recharges(recharger.now)
        recharger.go_on()


@WHEN
def test_b6_recharge_that_is_paid(recharger: Recharger, is_after: bool) -> None:
    recharger.switch_on()
    start = recharger.now

    def replay() -> None:
        go_on(recharger)
        assert_credited_once()
        attempts = RechargeAttempt.objects.values_list("state", flat=True)
        assert list(attempts) == [AttemptState.PAID]
        assert recharger.mails() == ["receipt"]
        recharger.now = start

    assert every_point(recharger.recharge, replay, is_after=is_after) > 30


@WHEN
def test_b20_recharge_that_is_declined_counts_once(
    recharger: Recharger, is_after: bool
) -> None:
    """The first charge is declined, the next try is paid; the card was changed."""
    row = recharger.switch_on(NO_MONEY)
    card, start = row.payment_method.stripe_payment_method_id, recharger.now

    def work() -> None:
        recharger.sandbox.change_card(card, NO_MONEY)
        recharger.recharge()

    def replay() -> None:
        declined = PaymentMethod.objects.get().declines
        tries = [
            one.outcome
            for attempt in RechargeAttempt.objects.all()
            for one in attempt.tries.all()
        ]
        assert declined == tries.count("declined") <= 1
        recharger.sandbox.change_card(card, "4242424242424242")
        go_on(recharger)
        assert_credited_once()
        assert PaymentMethod.objects.get().declines == 0
        recharger.now = start

    assert every_point(work, replay, is_after=is_after) > 30


@WHEN
def test_recharge_that_goes_to_the_backup(recharger: Recharger, is_after: bool) -> None:
    recharger.switch_on(LOST, backup=recharger.card())
    start = recharger.now

    def replay() -> None:
        go_on(recharger)
        assert_credited_once()
        attempt = RechargeAttempt.objects.get()
        assert attempt.used_backup
        outcomes = list(attempt.tries.values_list("outcome", flat=True))
        assert outcomes == ["declined", "paid"]
        recharger.now = start

    assert every_point(recharger.recharge, replay, is_after=is_after) > 40


@WHEN
def test_b1_top_up_that_is_started(buyer: Buyer, is_after: bool) -> None:
    buyer.start()  # the customer exists at Stripe from now on
    now = timezone.now()

    def replay() -> None:
        top_up = buyer.start(key="form:1", at=now + 2 * MINUTE)
        assert TopUp.objects.filter(client_key="form:1").count() == 1
        pages = stripe.checkout.Session.list(limit=5).data
        ours = [
            page.id for page in pages if page.client_reference_id == top_up.reference
        ]
        assert ours == [top_up.stripe_session_id]

    points = every_point(
        lambda: buyer.start(key="form:1", at=now), replay, is_after=is_after
    )
    assert points > 10


@WHEN
def test_b2_top_up_that_is_paid(buyer: Buyer, is_after: bool) -> None:
    top_up = buyer.start(at=timezone.now() - HOUR)
    buyer.pay(top_up)

    def replay() -> None:
        reconcile_top_ups(timezone.now() + MINUTE)
        finish_top_up(top_up.pk, at=timezone.now())
        assert_credited_once()

    points = every_point(
        lambda: finish_top_up(top_up.pk, at=timezone.now()), replay, is_after=is_after
    )
    assert points > 15
