"""Sales that were under way when the organisation moved (rules 2.2 and 2.3)."""

from datetime import datetime, timedelta

import pytest
import stripe
from django.utils import timezone

from accounts.models import Organisation
from billing import gateway
from billing.convert import close_pages
from billing.convert.close_pages import close_payment_pages
from billing.models import RechargeAttempt, TopUp, TopUpState
from billing.recharging.approve_recharge import approve_recharge
from billing.reconciling.reconcile import reconcile_top_ups
from billing.refusals import CreditsNotForSale, NothingToApprove, PaymentsUnavailable
from billing.top_up import finish_top_up
from billing.work_event import work_event
from calling.models import Line, Source
from credits.models import Lot, Wallet
from tests.billing.buying import Buyer, assert_paid_once
from tests.billing.convert.moving import assert_proven, move
from tests.billing.recharging import ASKS, DECLINES, HOUR, MINUTE, Recharger, usd
from tests.calling.telephony import charge_of, make_record, take_in

PAGE_EVENTS = ("checkout.session.completed", "payment_intent.succeeded")


def moved(organisation: Organisation) -> datetime:
    at = timezone.now()
    move(organisation, at=at)
    return at


def state_of(top_up: TopUp) -> str:
    top_up.refresh_from_db()
    return top_up.state


def test_2_3_open_payment_pages_are_closed_after_the_move(buyer: Buyer) -> None:
    first, second = buyer.start("50"), buyer.start("60")
    moved(buyer.organisation)
    for top_up in (first, second):
        session = stripe.checkout.Session.retrieve(top_up.stripe_session_id)
        assert session.status == "expired"
        assert state_of(top_up) == TopUpState.ABANDONED
        buyer.pay(top_up)
        finish_top_up(top_up.pk, at=timezone.now())
        assert state_of(top_up) == TopUpState.ABANDONED
    assert not Lot.objects.exists()
    assert_proven()


def test_2_2_webhook_of_a_page_paid_before_the_move_delivers(
    buyer: Buyer, mei: Line, pbx: Source, card: object
) -> None:
    """The credit is spent first, before anything is billed after use."""
    top_up = buyer.start("100")
    buyer.pay(top_up)
    close_none(buyer.organisation)
    for event in buyer.events(*PAGE_EVENTS):
        work_event(event.pk, at=timezone.now())
    assert_paid_once(top_up)
    at = timezone.now()
    take_in(pbx, make_record("after", at=at), at=at + HOUR)
    charge = charge_of("after")
    assert (charge.credit_amount, charge.postpaid_amount) == (21_000, 0)
    assert_proven()


def close_none(organisation: Organisation) -> None:
    """Moves it while Stripe does not answer, so that no page is looked at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(close_pages, "expire_checkout", away)
        moved(organisation)


def away(*_args: object, **_more: object) -> None:
    raise PaymentsUnavailable


def test_2_2_page_paid_while_it_is_being_closed_delivers(buyer: Buyer) -> None:
    top_up = buyer.start("100")
    buyer.pay(top_up)
    moved(buyer.organisation)  # finds it complete, not open
    assert_paid_once(top_up)
    assert_proven()


def test_pages_that_stripe_did_not_close_are_closed_by_the_sweep(buyer: Buyer) -> None:
    top_up = buyer.start("100")
    close_none(buyer.organisation)
    assert state_of(top_up) == TopUpState.STARTED
    assert reconcile_top_ups(timezone.now() + timedelta(minutes=5)) == 1
    assert state_of(top_up) == TopUpState.ABANDONED
    session = stripe.checkout.Session.retrieve(top_up.stripe_session_id)
    assert session.status == "expired"


def test_2_1_no_page_is_opened_for_a_sale_that_had_none_before_the_move(
    buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row was written, and Stripe was away; the same form is sent again."""
    monkeypatch.setattr("billing.gateway.open_checkout", away)
    with pytest.raises(PaymentsUnavailable):
        buyer.start("100", key="form:1")
    monkeypatch.undo()
    moved(buyer.organisation)
    with pytest.raises(CreditsNotForSale):
        buyer.start("100", key="form:1")
    assert not TopUp.objects.exclude(stripe_session_id="").exists()


def test_2_1_page_that_opens_during_the_move_is_closed_at_once(
    buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = gateway.open_checkout

    def open_late(top_up: TopUp, **more: str) -> gateway.Checkout:
        page = opened(top_up, **more)
        moved(buyer.organisation)
        return page

    monkeypatch.setattr(gateway, "open_checkout", open_late)
    with pytest.raises(CreditsNotForSale):
        buyer.start("100", key="form:1")
    top_up = TopUp.objects.get()
    session = stripe.checkout.Session.retrieve(top_up.stripe_session_id)
    assert session.status == "expired"


# --- recharges ------------------------------------------------------------------------


def test_2_2_recharge_that_was_sent_is_delivered_when_it_is_paid(
    recharger: Recharger,
) -> None:
    recharger.switch_on()
    recharger.sandbox.fail("connection_reset_after", "/v1/payment_intents", times=2)
    attempt = recharger.charge()
    assert attempt.state == "sent"
    move(recharger.organisation, at=recharger.now)
    recharger.later(2 * MINUTE)
    recharger.go_on()
    attempt.refresh_from_db()
    assert attempt.state == "paid"
    assert Wallet.objects.get(pk=recharger.organisation.pk).credit == usd("100")
    assert_proven()


def test_2_3_recharge_that_is_declined_after_the_move_is_not_tried_again(
    recharger: Recharger,
) -> None:
    recharger.switch_on(DECLINES)
    attempt = recharger.charge()
    assert attempt.state == "cooling"
    move(recharger.organisation, at=recharger.now)
    recharger.minute_by_minute(10 * HOUR)
    attempt.refresh_from_db()
    assert attempt.state == "failed"
    assert attempt.ended_at is not None
    assert RechargeAttempt.objects.count() == 1
    assert attempt.tries.count() == 1
    assert_proven()


def test_2_3_recharge_that_waited_for_approval_cannot_be_approved(
    recharger: Recharger,
) -> None:
    recharger.switch_on(ASKS)
    attempt = recharger.charge()
    assert attempt.state == "action_required"
    order = approve_recharge(
        attempt.pk, organisation=recharger.organisation, language="en", at=recharger.now
    )
    move(recharger.organisation, at=recharger.now)
    session = stripe.checkout.Session.retrieve(order.stripe_session_id)
    assert session.status == "expired"
    with pytest.raises(NothingToApprove):
        approve_recharge(
            attempt.pk,
            organisation=recharger.organisation,
            language="en",
            at=recharger.now,
        )
    assert close_payment_pages(recharger.organisation.pk, at=recharger.now) >= 0
    assert not Lot.objects.exists()
    assert_proven()
