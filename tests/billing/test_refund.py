"""Refunds that staff ask for, through the sandbox (rule 4.7, museum B42, B44, B49)."""

from datetime import datetime, timedelta

import pytest
import stripe

from accounts.models import (
    AuditEvent,
    Notice,
    NoticeKind,
    Organisation,
    StaffTask,
    User,
)
from billing.models import Refund, RefundState, TopUp
from billing.refusals import (
    ClientKeyReused,
    DisputeOpen,
    MoreThanRefundable,
    PaymentsUnavailable,
)
from billing.reversing.refund import finish_refund, refund_top_up, refundable
from billing.reversing.sweep_reversals import go_on_with_refunds
from billing.reversing.work_refund import work_refund
from calling.live.lapse_holds import lapse_stale_holds
from credits.draw import LATE_USAGE
from credits.expire import expire_due_lots
from credits.models import LedgerEntry
from credits.money import to_micros
from credits.spend import spend
from tests.billing.reversing import (
    REASON,
    amounts,
    assert_proven,
    dollars,
    lot_of,
    make_sale,
)
from tests.makers import START, make_hold, make_lot, make_user
from tests.stripe_sandbox import StripeSandbox

AT = START + timedelta(days=3)
VISA = "pm_card_visa"


@pytest.fixture
def staff(db: None) -> User:
    return make_user(is_staff=True)


@pytest.fixture
def sale(formosa: Organisation, stripe_sandbox: StripeSandbox) -> TopUp:
    """US$100 of credit for US$105, paid by card at the sandbox."""
    return make_sale(formosa, "100", "5", card=VISA)


def refund(
    sale: TopUp, credit: str, staff: User, *, key: str = "form:1", at: datetime = AT
) -> Refund:
    return refund_top_up(
        sale, to_micros(credit), client_key=key, reason=REASON, actor=staff, at=at
    )


def at_stripe(sale: TopUp) -> list[tuple[int, str]]:
    found = stripe.Refund.list(payment_intent=sale.stripe_payment_intent_id)
    return [(one.amount, str(one.status)) for one in reversed(found.data)]


def test_a_refund_takes_credit_and_sends_its_tax_share_back(
    sale: TopUp, staff: User
) -> None:
    made = refund(sale, "40", staff)
    assert (made.state, made.credit, made.total) == (
        RefundState.SUCCEEDED,
        dollars("40"),
        dollars("42"),
    )
    assert at_stripe(sale) == [(4200, "succeeded")]
    sale.refresh_from_db()
    assert sale.refunded == dollars("42")
    assert amounts(sale.organisation) == ("US$60.00", "US$0.00")
    entry = LedgerEntry.objects.get(kind="refund")
    assert (entry.reference, entry.lot) == (f"refund:{made.pk}#1", lot_of(sale))
    event = AuditEvent.objects.get(verb="refund_top_up")
    assert (event.reason, event.actor) == (REASON, staff)
    assert event.before == {"balance": "100.000000"}
    notice = Notice.objects.filter(kind=NoticeKind.REFUND_DONE).first()
    assert notice is not None
    assert notice.context["amount"] == 42_000_000
    assert_proven(AT)


def test_repeated_refunds_add_up_to_the_whole(sale: TopUp, staff: User) -> None:
    for n, credit in enumerate(["33.33", "33.33", "33.34"]):
        refund(sale, credit, staff, key=f"form:{n}")
    sale.refresh_from_db()
    assert sale.refunded == sale.total
    assert sum(amount for amount, _ in at_stripe(sale)) == 10_500
    assert amounts(sale.organisation) == ("US$0.00", "US$0.00")
    assert_proven(AT)


def test_the_same_key_refunds_once(sale: TopUp, staff: User) -> None:
    assert refund(sale, "40", staff) == refund(sale, "40", staff)
    assert len(at_stripe(sale)) == 1
    with pytest.raises(ClientKeyReused):
        refund(sale, "41", staff)


@pytest.mark.parametrize("credit", ["0", "-1", "70.01", "0.001"])
def test_at_most_what_is_unspent_is_refunded(
    sale: TopUp, staff: User, credit: str
) -> None:
    """Rounded down: a fraction of a cent is not paid back."""
    spend(
        sale.organisation,
        amount=29_994_321,
        reference="call:1#1",
        started_at=START,
        at=START,
    )
    assert refundable(sale, AT) == 70_000_000
    with pytest.raises(MoreThanRefundable):
        refund(sale, credit, staff)
    refund(sale, "70", staff)
    assert refundable(sale, AT) == 0
    assert_proven(AT)


def test_b49_what_live_calls_hold_is_not_refunded(sale: TopUp, staff: User) -> None:
    """Rule 4.7: at most the unheld part; the rest can go back once the call is over."""
    hold = make_hold(sale.organisation, "30", at=AT)
    assert refundable(sale, AT) == 70_000_000
    with pytest.raises(MoreThanRefundable):
        refund(sale, "70.01", staff)
    refund(sale, "70", staff)
    assert refundable(sale, AT) == 0
    assert_proven(AT)
    assert lapse_stale_holds(hold.deadline_at) == 1
    assert refundable(sale, AT) == 30_000_000
    assert_proven(AT)


def test_expired_credit_is_not_refunded(sale: TopUp, staff: User) -> None:
    at = lot_of(sale).expires_at
    with pytest.raises(MoreThanRefundable):
        refund(sale, "1", staff, at=at)
    refund(sale, "1", staff, at=at - timedelta(microseconds=1))


def test_a_refund_leaves_other_lots_alone(sale: TopUp, staff: User) -> None:
    gift = make_lot(sale.organisation, "20", months=1)
    refund(sale, "100", staff)
    gift.refresh_from_db()
    assert gift.remaining == 20_000_000
    assert refundable(sale, AT) == 0


def test_nothing_is_refunded_while_the_payment_is_disputed(
    sale: TopUp, staff: User, stripe_sandbox: StripeSandbox
) -> None:
    """Also where the dispute is news to us: Stripe refuses, and the credit is back."""
    from billing.reversing.dispute import apply_dispute

    dispute = stripe_sandbox.open_dispute(sale.stripe_payment_intent_id, amount=2_000)
    made = refund(sale, "10", staff)
    assert (made.state, made.failure_code) == (RefundState.FAILED, "charge_disputed")
    assert amounts(sale.organisation) == ("US$100.00", "US$0.00")
    apply_dispute(dispute, at=AT)
    with pytest.raises(DisputeOpen):
        refund(sale, "10", staff, key="form:2")
    assert_proven(AT)


def test_a_pending_refund_counts_and_succeeds_later(
    sale: TopUp, staff: User, stripe_sandbox: StripeSandbox
) -> None:
    stripe_sandbox.fail("refund_pending")
    made = refund(sale, "40", staff)
    assert made.state == RefundState.PENDING
    assert amounts(sale.organisation) == ("US$60.00", "US$0.00")
    assert not Notice.objects.filter(kind=NoticeKind.REFUND_DONE).exists()
    stripe_sandbox.settle_refund(made.stripe_refund_id)
    assert finish_refund(made.pk, at=AT).state == RefundState.SUCCEEDED
    assert Notice.objects.filter(kind=NoticeKind.REFUND_DONE).exists()
    assert_proven(AT)


def test_a_refund_that_fails_later_restores_the_credit(
    sale: TopUp, staff: User, stripe_sandbox: StripeSandbox
) -> None:
    made = refund(sale, "40", staff)
    stripe_sandbox.settle_refund(made.stripe_refund_id, failed=True)
    for _ in range(2):
        work_refund(made.stripe_refund_id, at=AT)
    made.refresh_from_db()
    assert (made.state, made.failure_code) == (
        RefundState.FAILED,
        "expired_or_canceled_card",
    )
    sale.refresh_from_db()
    assert sale.refunded == dollars("0")
    assert amounts(sale.organisation) == ("US$100.00", "US$0.00")
    undone = LedgerEntry.objects.get(reverses__isnull=False)
    assert (undone.reference, undone.amount) == (
        f"refund:{made.pk}#1:undo",
        40_000_000,
    )
    assert StaffTask.objects.filter(kind="refund_failed").count() == 1
    assert Notice.objects.filter(kind=NoticeKind.REFUND_FAILED).exists()
    assert_proven(AT)


def test_credit_restored_to_an_expired_lot_expires_again(
    sale: TopUp, staff: User, stripe_sandbox: StripeSandbox
) -> None:
    """Rule 3.3: the posting is reversed, and the next revision takes all of it."""
    made = refund(sale, "40", staff)
    at = lot_of(sale).expires_at + LATE_USAGE
    expire_due_lots(at)
    stripe_sandbox.settle_refund(made.stripe_refund_id, failed=True)
    work_refund(made.stripe_refund_id, at=at)
    assert amounts(sale.organisation) == ("US$100.00", "US$0.00")
    expire_due_lots(at)
    assert amounts(sale.organisation) == ("US$0.00", "US$0.00")
    newest = LedgerEntry.objects.filter(kind="expire").latest("id")
    assert (newest.reference, newest.amount) == (
        f"expire:{lot_of(sale).pk}#2",
        -100_000_000,
    )
    assert_proven(at)


@pytest.mark.parametrize(
    "fault", ["connection_reset", "http_500", "connection_reset_after"]
)
def test_an_unknown_outcome_is_sent_again_with_the_same_key(
    sale: TopUp, staff: User, stripe_sandbox: StripeSandbox, fault: str
) -> None:
    stripe_sandbox.fail(fault, "/v1/refunds")
    with pytest.raises(PaymentsUnavailable):
        refund(sale, "40", staff)
    made = Refund.objects.get()
    assert made.state == RefundState.REQUESTED
    assert amounts(sale.organisation) == ("US$60.00", "US$0.00")
    later = AT + timedelta(minutes=5)
    assert go_on_with_refunds(later) == 1
    assert go_on_with_refunds(later) == 0
    made.refresh_from_db()
    assert made.state == RefundState.SUCCEEDED
    assert at_stripe(sale) == [(4200, "succeeded")]
    assert_proven(later)


@pytest.mark.parametrize("arrived", [True, False])
def test_after_23_hours_a_refund_is_only_looked_for(
    sale: TopUp, staff: User, stripe_sandbox: StripeSandbox, arrived: bool
) -> None:
    fault = "connection_reset_after" if arrived else "connection_reset"
    stripe_sandbox.fail(fault, "/v1/refunds")
    with pytest.raises(PaymentsUnavailable):
        refund(sale, "40", staff)
    later = AT + timedelta(hours=23)
    go_on_with_refunds(later)
    made = Refund.objects.get()
    if arrived:
        assert made.state == RefundState.SUCCEEDED
    else:
        assert (made.state, made.failure_code) == (RefundState.FAILED, "never_arrived")
        assert amounts(sale.organisation) == ("US$100.00", "US$0.00")
    assert len(at_stripe(sale)) == int(arrived)
    assert_proven(later)


def test_an_event_may_come_before_our_own_answer(
    sale: TopUp, staff: User, stripe_sandbox: StripeSandbox
) -> None:
    """The refund names our row, so it is not taken for one made at Stripe."""
    stripe_sandbox.fail("connection_reset_after", "/v1/refunds")
    with pytest.raises(PaymentsUnavailable):
        refund(sale, "40", staff)
    found = stripe.Refund.list(payment_intent=sale.stripe_payment_intent_id)
    work_refund(found.data[0].id, at=AT)
    made = Refund.objects.get()
    assert (made.state, made.stripe_refund_id) == ("succeeded", found.data[0].id)
    assert_proven(AT)


def test_b42_a_refund_made_at_stripe_is_recorded_and_staff_told(
    sale: TopUp, stripe_sandbox: StripeSandbox
) -> None:
    spend(
        sale.organisation,
        amount=80_000_000,
        reference="call:1#1",
        started_at=START,
        at=START,
    )
    intent = sale.stripe_payment_intent_id
    theirs = stripe.Refund.create(payment_intent=intent, amount=5_250)
    for _ in range(3):
        work_refund(theirs.id, at=AT)
    made = Refund.objects.get()
    assert (made.credit, made.total, made.requested_by) == (
        dollars("50"),
        dollars("52.50"),
        None,
    )
    assert amounts(sale.organisation) == ("US$0.00", "US$30.00")
    assert StaffTask.objects.filter(kind="refund_at_stripe").count() == 1
    assert_proven(AT)


def test_b43_a_refund_of_a_payment_that_is_not_ours_is_for_staff(
    formosa: Organisation, stripe_sandbox: StripeSandbox
) -> None:
    intent = stripe.PaymentIntent.create(
        amount=900,
        currency="usd",
        payment_method="pm_card_visa",
        payment_method_types=["card"],
        confirm=True,
    )
    theirs = stripe.Refund.create(payment_intent=intent.id)
    assert work_refund(theirs.id, at=AT) is None
    assert StaffTask.objects.get().kind == "refund_not_attributed"
    assert not LedgerEntry.objects.exists()


def test_a_refund_seen_before_its_payment_finishes_the_sale_first(
    sale: TopUp, stripe_sandbox: StripeSandbox
) -> None:
    theirs = stripe.Refund.create(payment_intent=sale.stripe_payment_intent_id)
    work_refund(theirs.id, at=AT)
    sale.refresh_from_db()
    assert sale.refunded == sale.total
    assert amounts(sale.organisation) == ("US$0.00", "US$0.00")
    assert_proven(AT)
