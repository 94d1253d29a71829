"""A card that asks for its owner: the same order is approved on-session (rule 5.6)."""

from typing import Any

import pytest
import stripe
from django_q.models import OrmQ

from accounts.models import Notice, NoticeKind, Organisation
from billing import gateway, jobs
from billing.models import AttemptState, RechargeAttempt, TopUp
from billing.recharging.approve_recharge import approve_recharge
from billing.recharging.auto_recharge import switch_off_auto_recharge
from billing.reconciling.reconcile import look_again, reconcile_top_ups
from billing.refusals import NothingToApprove
from billing.top_up import finish_top_up
from credits.models import Lot
from tests import makers
from tests.billing.recharging import (
    ASKS,
    DAY,
    HOUR,
    LOST,
    MINUTE,
    VISA,
    Recharger,
    owner_of,
    usd,
)
from tests.sandbox.clicks import card, visit


@pytest.fixture
def asked(recharger: Recharger) -> RechargeAttempt:
    recharger.switch_on(ASKS)
    return recharger.charge()


def approve(recharger: Recharger, attempt: RechargeAttempt) -> TopUp:
    return approve_recharge(
        attempt.pk,
        organisation=recharger.organisation,
        language="en",
        at=recharger.now,
    )


def test_b26_authentication_demanded_ends_the_charge_and_asks_its_owner(
    recharger: Recharger, asked: RechargeAttempt
) -> None:
    assert (asked.state, asked.next_try_at) == (AttemptState.ACTION_REQUIRED, None)
    status = recharger.status
    assert (status.state, status.attempt) == ("action_required", asked)
    assert status.code == "authentication_required"
    told = Notice.objects.filter(kind=NoticeKind.RECHARGE_ACTION_REQUIRED)
    assert [one.recipient for one in told] == ["billing@formosa.example"]
    recharger.minute_by_minute(2 * DAY)
    assert len(recharger.charges()) == 1
    assert RechargeAttempt.objects.count() == 1
    recharger.prove()


def test_b26_owner_approves_the_same_order(
    recharger: Recharger, asked: RechargeAttempt
) -> None:
    top_up = approve(recharger, asked)
    assert top_up.pk == asked.top_up_id
    assert approve(recharger, asked).checkout_url == top_up.checkout_url
    page = visit(top_up.checkout_url, card(ASKS))
    visit(page.location, {"outcome": "complete"})
    recharger.later(MINUTE)
    look_again(top_up, at=recharger.now)
    asked.refresh_from_db()
    assert asked.state == AttemptState.PAID
    lot = Lot.objects.get()
    assert (lot.kind, lot.sale_id, lot.original) == (
        "recharge",
        top_up.pk,
        usd("100"),
    )
    assert recharger.status.state == "armed"
    with pytest.raises(NothingToApprove):
        approve(recharger, asked)
    recharger.prove()


def test_owner_pays_the_order_with_another_card(
    recharger: Recharger, asked: RechargeAttempt
) -> None:
    top_up = approve(recharger, asked)
    visit(top_up.checkout_url, card(VISA))
    # Nobody comes back and the event is lost: reconciliation finds it.
    recharger.later(HOUR)
    reconcile_top_ups(recharger.now)
    asked.refresh_from_db()
    assert asked.state == AttemptState.PAID
    recharger.prove()


def test_page_that_expired_is_opened_again(
    recharger: Recharger, asked: RechargeAttempt
) -> None:
    first = approve(recharger, asked)
    stripe.checkout.Session.expire(first.stripe_session_id)
    finish_top_up(first.pk, at=recharger.now)
    first.refresh_from_db()
    assert first.state == "started"
    second = approve(recharger, asked)
    assert second.stripe_session_id != first.stripe_session_id
    visit(second.checkout_url, card(VISA))
    finish_top_up(second.pk, at=recharger.now)
    assert recharger.wallet.credit == usd("100")
    recharger.prove()


def test_declined_try_at_the_page_leaves_the_order_open(
    recharger: Recharger, asked: RechargeAttempt
) -> None:
    top_up = approve(recharger, asked)
    visit(top_up.checkout_url, card(LOST))
    finish_top_up(top_up.pk, at=recharger.now)
    asked.refresh_from_db()
    assert asked.state == AttemptState.ACTION_REQUIRED
    assert asked.tries.get().payment_method.declines == 0
    visit(top_up.checkout_url, card(VISA))
    finish_top_up(top_up.pk, at=recharger.now)
    asked.refresh_from_db()
    assert asked.state == AttemptState.PAID
    recharger.prove()


def test_payment_at_the_page_that_is_processing_is_incoming(
    recharger: Recharger, asked: RechargeAttempt
) -> None:
    top_up = approve(recharger, asked)
    recharger.sandbox.fail("processing", "/c/pay/")
    visit(top_up.checkout_url, card(VISA))
    finish_top_up(top_up.pk, at=recharger.now)
    assert recharger.wallet.incoming == usd("100")
    page = stripe.checkout.Session.retrieve(top_up.stripe_session_id)
    recharger.sandbox.finish_processing(str(page.payment_intent), "succeeded")
    finish_top_up(top_up.pk, at=recharger.now)
    assert (recharger.wallet.credit, recharger.wallet.incoming) == (usd("100"), 0)
    recharger.prove()


def test_another_card_ends_the_wait(
    recharger: Recharger, asked: RechargeAttempt
) -> None:
    recharger.later(2 * MINUTE)
    recharger.switch_on(VISA)
    asked.refresh_from_db()
    assert (asked.state, asked.top_up.failure_code) == (
        AttemptState.FAILED,
        "authentication_required",
    )
    with pytest.raises(NothingToApprove):
        approve(recharger, asked)
    assert recharger.charge().state == AttemptState.PAID
    recharger.prove()


def test_order_that_was_given_up_and_is_paid_after_all_is_credited(
    recharger: Recharger, asked: RechargeAttempt
) -> None:
    """Rule 4.3: its owner had the page open while auto-recharge was switched off."""
    top_up = approve(recharger, asked)
    organisation = recharger.organisation
    switch_off_auto_recharge(
        organisation, actor=owner_of(organisation), at=recharger.now
    )
    top_up.refresh_from_db()
    assert top_up.state == "failed"
    visit(top_up.checkout_url, card(VISA))
    finish_top_up(top_up.pk, at=recharger.now)
    asked.refresh_from_db()
    assert asked.state == AttemptState.PAID
    assert recharger.wallet.credit == usd("100")
    recharger.prove()


def test_page_of_an_order_that_ended_otherwise_is_closed(
    recharger: Recharger, asked: RechargeAttempt
) -> None:
    """Rule 5.6: what was replaced by another card's charge cannot be paid as well."""
    top_up = approve(recharger, asked)
    OrmQ.objects.all().delete()
    recharger.later(2 * MINUTE)
    recharger.switch_on(VISA)
    tasks = [(one.task["func"], one.task["args"]) for one in OrmQ.objects.all()]
    assert ("billing.jobs.close_page", (top_up.pk,)) in tasks
    jobs.close_page(top_up.pk)
    page = stripe.checkout.Session.retrieve(top_up.stripe_session_id)
    assert page.status == "expired"
    asked.refresh_from_db()
    assert asked.state == AttemptState.FAILED
    recharger.prove()


def test_page_that_opens_after_the_order_ended_is_closed_at_once(
    recharger: Recharger, asked: RechargeAttempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 5.6: the order ends while Stripe opens its page."""
    opened = []

    def open_late(*args: Any, **facts: Any) -> gateway.Checkout:
        opened.append(open_checkout(*args, **facts))
        organisation = recharger.organisation
        switch_off_auto_recharge(
            organisation, actor=owner_of(organisation), at=recharger.now
        )
        return opened[0]

    open_checkout = gateway.open_checkout
    monkeypatch.setattr(gateway, "open_checkout", open_late)
    with pytest.raises(NothingToApprove):
        approve(recharger, asked)
    assert stripe.checkout.Session.retrieve(opened[0].id).status == "expired"


def test_nobody_else_may_approve_it(
    recharger: Recharger, asked: RechargeAttempt, contoso: Organisation
) -> None:
    for other in (contoso, makers.make_organisation()):
        with pytest.raises(NothingToApprove):
            approve_recharge(
                asked.pk, organisation=other, language="en", at=recharger.now
            )
