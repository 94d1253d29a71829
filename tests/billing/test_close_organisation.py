"""Closing an organisation: what is refunded, given up, shut and kept (rule 1.8)."""

from datetime import timedelta
from typing import Any

import pytest
import stripe
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.keys import create_key
from accounts.models import (
    AuditEvent,
    Notice,
    NoticeKind,
    Organisation,
    Scope,
    StaffTask,
    User,
)
from accounts.refusals import TollgateError, fence_code
from billing import gateway
from billing.close_organisation import close_organisation, preview_closing
from billing.models import Refund, RefundState, StaffPayment, TopUp, TopUpState
from billing.promotional import grant_promotional_credit
from billing.reconciling.reconcile import reconcile_top_ups
from billing.refusals import (
    ClosingMustWait,
    MoreThanRefundable,
    OrganisationClosed,
    PaymentsUnavailable,
)
from billing.reversing.dispute import note_dispute
from billing.reversing.refund_staff_payment import (
    give_up_money_sent,
    record_money_sent,
    refund_staff_payment,
)
from billing.reversing.sweep_reversals import go_on_with_refunds
from billing.staff_payment import record_staff_payment
from credits.models import Lot, Wallet
from credits.money import to_micros
from credits.spend import spend
from tests import makers
from tests.billing.buying import Buyer, assert_paid_once
from tests.billing.reversing import (
    REASON,
    amounts,
    assert_proven,
    dollars,
    make_sale,
    seen_dispute,
    won,
)
from tests.makers import START, make_lot, make_user
from tests.stripe_sandbox import StripeSandbox

AT = START + timedelta(days=3)
NOTHING = ("US$0.00", "US$0.00")


@pytest.fixture
def staff(db: None) -> User:
    return make_user(is_staff=True)


def transfer(organisation: Organisation, staff: User, amount: str) -> StaffPayment:
    return record_staff_payment(
        organisation,
        to_micros(amount),
        bank_reference=f"BANK-{amount}",
        recorded_by=staff,
        note=REASON,
        at=START,
    )


def test_purchased_credit_goes_back_and_promotional_credit_is_given_up(
    formosa: Organisation, alice: User, staff: User, stripe_sandbox: StripeSandbox
) -> None:
    sale = make_sale(formosa, "100", "5", card="pm_card_visa")
    payment = transfer(formosa, staff, "60")
    make_lot(formosa, "20")
    spend(formosa, amount=1_234_567, reference="call:1#1", started_at=AT, at=AT)
    planned = preview_closing(formosa, AT)
    closed = close_organisation(formosa, actor=alice, at=AT)
    assert closed.closed_at == AT
    assert amounts(formosa) == NOTHING
    refunds = {one.top_up_id or 0: one for one in Refund.objects.all()}
    assert refunds[sale.pk].state == RefundState.SUCCEEDED
    waiting = Refund.objects.get(staff_payment=payment)
    assert (waiting.state, waiting.total) == (RefundState.REQUESTED, dollars("60"))
    assert StaffTask.objects.filter(kind="send_money_back").count() == 1
    assert planned.refunded == 160_000_000
    assert planned.forfeited == 20_000_000 - 1_234_567
    found = stripe.Refund.list(payment_intent=sale.stripe_payment_intent_id)
    assert [one.amount for one in found.data] == [10_500]
    notice = Notice.objects.filter(kind=NoticeKind.ORGANISATION_CLOSED).first()
    assert notice is not None
    assert notice.context["forfeited"] == planned.forfeited
    assert_proven(AT)


def test_fractions_of_a_cent_are_given_up(
    formosa: Organisation, alice: User, stripe_sandbox: StripeSandbox
) -> None:
    make_sale(formosa, "100", card="pm_card_visa")
    spend(formosa, amount=1_234_567, reference="call:1#1", started_at=AT, at=AT)
    close_organisation(formosa, actor=alice, at=AT)
    assert Refund.objects.get().credit == dollars("98.76")
    assert amounts(formosa) == NOTHING
    assert Wallet.objects.get(pk=formosa.pk).credit == 0
    assert_proven(AT)


def test_closed_twice_nothing_happens_again(formosa: Organisation, alice: User) -> None:
    make_lot(formosa, "20")
    close_organisation(formosa, actor=alice, at=AT)
    again = close_organisation(formosa, actor=alice, at=AT + timedelta(days=1))
    assert again.closed_at == AT
    assert AuditEvent.objects.filter(verb="close_organisation").count() == 1
    assert_proven(AT)


def test_stripe_may_be_away(
    formosa: Organisation, alice: User, stripe_sandbox: StripeSandbox
) -> None:
    make_sale(formosa, "100", card="pm_card_visa")
    stripe_sandbox.fail("connection_reset", "/v1/refunds")
    close_organisation(formosa, actor=alice, at=AT)
    assert Refund.objects.get().state == RefundState.REQUESTED
    go_on_with_refunds(AT + timedelta(minutes=5))
    assert Refund.objects.get().state == RefundState.SUCCEEDED
    assert_proven(AT)


def test_keys_are_revoked_and_nothing_is_sold_or_given_any_more(
    formosa: Organisation, alice: User, staff: User
) -> None:
    key, _secret = create_key(
        "ERP",
        organisation=formosa,
        scopes=[Scope.BALANCE_READ],
        at=START,
    )
    close_organisation(formosa, actor=alice, at=AT)
    key.refresh_from_db()
    assert key.revoked_at == AT
    with pytest.raises(OrganisationClosed):
        transfer(formosa, staff, "50")
    with pytest.raises(OrganisationClosed):
        grant_promotional_credit(
            formosa, 5, months=1, reason=REASON, actor=staff, token="1", at=AT
        )
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        makers.make_top_up(formosa)
    assert fence_code(refused.value) == "organisation_closed"
    assert Lot.objects.count() == 0


def test_a_payment_page_that_was_open_is_closed_at_stripe(buyer: Buyer) -> None:
    top_up = buyer.start()
    close_organisation(buyer.organisation, actor=buyer.owner, at=AT)
    session = stripe.checkout.Session.retrieve(top_up.stripe_session_id)
    assert session.status == "expired"


def test_a_page_that_stripe_did_not_close_is_closed_later(buyer: Buyer) -> None:
    top_up = buyer.start(at=AT)
    buyer.sandbox.fail("connection_reset", "/v1/checkout")
    close_organisation(buyer.organisation, actor=buyer.owner, at=AT)
    session = stripe.checkout.Session.retrieve(top_up.stripe_session_id)
    assert session.status == "open"
    reconcile_top_ups(AT + timedelta(minutes=5))
    session = stripe.checkout.Session.retrieve(top_up.stripe_session_id)
    assert session.status == "expired"
    top_up.refresh_from_db()
    assert top_up.state == TopUpState.ABANDONED


def test_no_page_is_opened_once_it_is_closed(buyer: Buyer) -> None:
    """The order stands already, and Stripe was not asked yet."""
    buyer.sandbox.fail("connection_reset", "/v1/checkout")
    with pytest.raises(PaymentsUnavailable):
        buyer.start(key="form:one", at=AT)
    close_organisation(buyer.organisation, actor=buyer.owner, at=AT)
    with pytest.raises(OrganisationClosed):
        buyer.start(key="form:one", at=AT)
    assert TopUp.objects.get().checkout_url == ""


def test_a_page_that_was_opened_during_closing_is_closed_again(
    buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_page = gateway.open_checkout

    def slowly(*named: Any, **more: Any) -> gateway.Checkout:
        page = open_page(*named, **more)
        close_organisation(buyer.organisation, actor=buyer.owner, at=AT)
        return page

    monkeypatch.setattr(gateway, "open_checkout", slowly)
    with pytest.raises(OrganisationClosed):
        buyer.start(at=AT)
    session = stripe.checkout.Session.retrieve(TopUp.objects.get().stripe_session_id)
    assert session.status == "expired"


def test_money_that_comes_after_closing_is_a_task_for_staff(buyer: Buyer) -> None:
    """What was paid is delivered (rule 2.2), and somebody has to send it back."""
    top_up = buyer.start(at=AT)
    buyer.pay(top_up)
    close_organisation(buyer.organisation, actor=buyer.owner, at=AT)
    assert_paid_once(buyer.come_back(top_up))
    task = StaffTask.objects.get(kind="paid_after_closing")
    assert task.reference == top_up.reference
    assert "100" in task.detail


@pytest.mark.parametrize("obstacle", ["live_calls", "incoming"])
def test_closing_waits_for_running_calls_and_payments(
    formosa: Organisation, alice: User, obstacle: str
) -> None:
    make_lot(formosa, "20")
    Wallet.objects.update(**{obstacle: 5})
    assert preview_closing(formosa, AT).obstacle
    with pytest.raises(ClosingMustWait):
        close_organisation(formosa, actor=alice, at=AT)
    Wallet.objects.update(**{obstacle: 0})
    assert amounts(formosa) == ("US$20.00", "US$0.00")


def test_closing_waits_for_a_dispute_and_refunds_what_it_gives_back(
    formosa: Organisation, alice: User, stripe_sandbox: StripeSandbox
) -> None:
    sale = make_sale(formosa, "100", card="pm_card_visa")
    seen = seen_dispute(sale)
    note_dispute(sale, seen, at=AT)
    with pytest.raises(ClosingMustWait):
        close_organisation(formosa, actor=alice, at=AT)
    note_dispute(sale, won(seen), at=AT)
    close_organisation(formosa, actor=alice, at=AT)
    assert Refund.objects.get().credit == dollars("100")
    assert amounts(formosa) == NOTHING
    assert_proven(AT)


def test_debt_is_owed_on_the_final_invoice(formosa: Organisation, alice: User) -> None:
    spend(formosa, amount=5_000_000, reference="call:1#1", started_at=AT, at=AT)
    close_organisation(formosa, actor=alice, at=AT)
    assert amounts(formosa) == NOTHING
    assert formosa.invoices.get().total_minor == 500
    event = AuditEvent.objects.get(verb="close_organisation")
    assert event.after is not None
    assert event.after["debt"] == "5.000000"


# --- bank transfers -------------------------------------------------------------------


def send_back(
    payment: StaffPayment, credit: str, staff: User, key: str = "1"
) -> Refund:
    return refund_staff_payment(
        payment,
        to_micros(credit),
        bank_reference="OUT-77",
        client_key=key,
        reason=REASON,
        actor=staff,
        at=AT,
    )


def test_money_sent_back_by_bank_lowers_its_own_lot(
    formosa: Organisation, staff: User
) -> None:
    payment = transfer(formosa, staff, "60")
    made = send_back(payment, "20", staff)
    assert send_back(payment, "20", staff) == made
    assert (made.state, made.bank_reference) == (RefundState.SUCCEEDED, "OUT-77")
    assert amounts(formosa) == ("US$40.00", "US$0.00")
    with pytest.raises(MoreThanRefundable):
        send_back(payment, "40.01", staff, key="2")
    notice = Notice.objects.filter(kind=NoticeKind.REFUND_DONE).first()
    assert notice is not None
    assert notice.context["bank_reference"] == "OUT-77"
    assert_proven(AT)


def test_a_transfer_back_needs_its_reference(
    formosa: Organisation, staff: User
) -> None:
    payment = transfer(formosa, staff, "60")
    with pytest.raises(ValidationError):
        refund_staff_payment(
            payment,
            to_micros("20"),
            bank_reference=" ",
            client_key="1",
            reason=REASON,
            actor=staff,
            at=AT,
        )
    assert amounts(formosa) == ("US$60.00", "US$0.00")


def test_money_that_cannot_be_sent_is_credit_again(
    formosa: Organisation, alice: User, staff: User
) -> None:
    transfer(formosa, staff, "60")
    close_organisation(formosa, actor=alice, at=AT)
    waiting = Refund.objects.get()
    give_up_money_sent(waiting, reason=REASON, actor=staff, at=AT)
    assert amounts(formosa) == ("US$60.00", "US$0.00")
    after = record_money_sent(waiting, bank_reference="X", actor=staff, at=AT)
    assert after.state == RefundState.FAILED
    assert_proven(AT)


def test_every_refusal_has_its_sentence() -> None:
    for refusal in (ClosingMustWait, OrganisationClosed, MoreThanRefundable):
        assert issubclass(refusal, TollgateError)
        assert str(refusal()).endswith(".")
