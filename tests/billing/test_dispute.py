"""Disputes: what banks question, in any order (rule 4.7, museum B42 to B44)."""

from datetime import date, timedelta
from itertools import permutations

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
from billing.models import Dispute, PaymentMethod, StripeInbox, TopUp
from billing.reversing.apply_refund import record_refund_at_stripe
from billing.reversing.dispute import apply_dispute, note_dispute
from billing.reversing.sweep_reversals import look_at_disputes
from billing.work_event import work_event
from credits.draw import LATE_USAGE
from credits.expire import expire_due_lots
from credits.expiry_date import start_of_day
from credits.models import LedgerEntry, Lot, LotKind
from credits.spend import spend
from tests.billing.buying import Buyer
from tests.billing.reversing import (
    amounts,
    assert_proven,
    dollars,
    inquiry,
    lost,
    lot_of,
    make_sale,
    seen_dispute,
    seen_refund,
    won,
)
from tests.makers import START, make_lot
from tests.stripe_sandbox import StripeSandbox

DAY = timedelta(days=1)
AT = START + 3 * DAY
ALL, NOTHING = ("US$100.00", "US$0.00"), ("US$0.00", "US$0.00")


@pytest.fixture
def sale(formosa: Organisation) -> TopUp:
    return make_sale(formosa, "100", "5")


def use(sale: TopUp, micros: int) -> None:
    spend(
        sale.organisation,
        amount=micros,
        reference=f"call:{micros}#1",
        started_at=START,
        at=START,
    )


def restored(sale: TopUp) -> Lot:
    return Lot.objects.get(organisation=sale.organisation_id, kind=LotKind.RESTORED)


def test_an_inquiry_takes_nothing(sale: TopUp) -> None:
    seen = inquiry(seen_dispute(sale))
    dispute = note_dispute(sale, seen, at=AT)
    assert amounts(sale.organisation) == ALL
    assert (dispute.is_open, Notice.objects.count()) == (True, 0)
    assert not StaffTask.objects.exists()
    assert_proven(AT)


def test_it_counts_once_the_funds_are_withdrawn(sale: TopUp) -> None:
    seen = seen_dispute(sale)
    note_dispute(sale, inquiry(seen), at=AT)
    for _ in range(3):
        note_dispute(sale, seen, at=AT)
    assert amounts(sale.organisation) == NOTHING
    sale.refresh_from_db()
    assert (sale.disputed, sale.dispute_status) == (sale.total, "needs_response")
    entry = LedgerEntry.objects.get(kind="dispute")
    assert (entry.lot, entry.amount) == (lot_of(sale), -100_000_000)
    assert Notice.objects.filter(kind=NoticeKind.DISPUTE_OPENED).count() == 1
    assert "2026-01-08" in StaffTask.objects.get(kind="dispute_opened").detail
    assert AuditEvent.objects.filter(verb="dispute_opened").count() == 1
    assert_proven(AT)


def test_b44_spent_credit_becomes_debt_and_a_full_reversal_is_the_whole(
    sale: TopUp,
) -> None:
    use(sale, 30_000_000)
    note_dispute(sale, seen_dispute(sale), at=AT)
    assert amounts(sale.organisation) == ("US$0.00", "US$30.00")
    assert_proven(AT)


def test_the_part_disputed_takes_its_part_of_the_credit(sale: TopUp) -> None:
    """Half-up: 52.51 of 105 is 50.0095 of 100."""
    note_dispute(sale, seen_dispute(sale, "52.51"), at=AT)
    assert amounts(sale.organisation) == ("US$49.99", "US$0.00")
    assert_proven(AT)


def test_b44_a_win_pays_the_debt_and_the_rest_is_a_restored_lot(sale: TopUp) -> None:
    use(sale, 30_000_000)
    seen = seen_dispute(sale)
    note_dispute(sale, seen, at=AT)
    note_dispute(sale, won(seen), at=AT + 40 * DAY)
    assert amounts(sale.organisation) == ("US$70.00", "US$0.00")
    lot = restored(sale)
    assert (lot.original, lot.remaining) == (100_000_000, 70_000_000)
    assert lot.expires_at == lot_of(sale).expires_at
    notice = Notice.objects.filter(kind=NoticeKind.DISPUTE_CLOSED).first()
    assert notice is not None
    assert notice.context["outcome"] == "won"
    assert_proven(AT + 40 * DAY)


def test_a_debt_that_was_paid_meanwhile_comes_back_as_credit(sale: TopUp) -> None:
    use(sale, 100_000_000)
    seen = seen_dispute(sale)
    note_dispute(sale, seen, at=AT)
    make_lot(sale.organisation, "60")
    assert amounts(sale.organisation) == ("US$0.00", "US$40.00")
    note_dispute(sale, won(seen), at=AT + DAY)
    assert amounts(sale.organisation) == ("US$60.00", "US$0.00")
    assert_proven(AT + DAY)


def test_a_restored_lot_gets_the_days_it_was_withheld(sale: TopUp) -> None:
    """Taken 10 days before it expires in Taipei, given back 20 days after that."""
    expiry = lot_of(sale).expires_at
    seen = seen_dispute(sale)
    note_dispute(sale, seen, at=expiry - 10 * DAY)
    win = expiry + 20 * DAY
    note_dispute(sale, won(seen), at=win)
    last_day = sale.organisation.local_day(win) + 30 * DAY
    midnight = start_of_day(last_day + DAY, sale.organisation.zone)
    assert restored(sale).expires_at == midnight
    assert last_day == date(2027, 2, 21)
    assert_proven(win)


def test_after_expiry_what_expired_stays_expired_and_is_owed(sale: TopUp) -> None:
    use(sale, 30_000_000)
    at = lot_of(sale).expires_at + LATE_USAGE
    expire_due_lots(at)
    seen = seen_dispute(sale)
    note_dispute(sale, seen, at=at)
    assert amounts(sale.organisation) == ("US$0.00", "US$100.00")
    note_dispute(sale, won(seen), at=at + DAY)
    assert amounts(sale.organisation) == NOTHING
    assert_proven(at + DAY)


def test_what_lapsed_and_is_not_posted_yet_stays_expired_too(sale: TopUp) -> None:
    """The 72 hours are for late records of calls, not for disputes."""
    use(sale, 40_000_000)
    at = lot_of(sale).expires_at + timedelta(hours=1)
    expire_due_lots(at)
    seen = seen_dispute(sale)
    note_dispute(sale, seen, at=at)
    assert amounts(sale.organisation) == ("US$60.00", "US$100.00")
    win = at + LATE_USAGE
    expire_due_lots(win)
    note_dispute(sale, won(seen), at=win)
    assert amounts(sale.organisation) == NOTHING
    assert_proven(win)


def test_a_lost_dispute_changes_nothing_more(sale: TopUp) -> None:
    seen = seen_dispute(sale)
    note_dispute(sale, seen, at=AT)
    dispute = note_dispute(sale, lost(seen), at=AT + DAY)
    assert (dispute.is_open, dispute.stands) == (False, True)
    assert amounts(sale.organisation) == NOTHING
    notice = Notice.objects.filter(kind=NoticeKind.DISPUTE_CLOSED).first()
    assert notice is not None
    assert notice.context["outcome"] == "lost"
    assert_proven(AT + DAY)


def test_refund_and_dispute_together_are_the_whole_at_most(sale: TopUp) -> None:
    record_refund_at_stripe(sale, seen_refund(sale, "35"), at=AT)
    seen = seen_dispute(sale)
    note_dispute(sale, seen, at=AT)
    assert amounts(sale.organisation) == NOTHING
    note_dispute(sale, won(seen), at=AT + DAY)
    assert amounts(sale.organisation) == ("US$66.67", "US$0.00")
    sale.refresh_from_db()
    assert (sale.refunded, sale.disputed) == (dollars("35"), dollars("0"))
    assert_proven(AT + DAY)


def test_a_second_dispute_takes_what_the_first_gave_back(sale: TopUp) -> None:
    seen = seen_dispute(sale)
    note_dispute(sale, seen, at=AT)
    note_dispute(sale, won(seen), at=AT + DAY)
    note_dispute(sale, seen_dispute(sale, name="du_2"), at=AT + 2 * DAY)
    assert amounts(sale.organisation) == NOTHING
    assert restored(sale).remaining == 0
    assert_proven(AT + 2 * DAY)


def test_a_dispute_that_is_decided_again_is_taken_again(sale: TopUp) -> None:
    seen = seen_dispute(sale)
    for at, how in ((AT, seen), (AT + DAY, won(seen)), (AT + 2 * DAY, lost(seen))):
        dispute = note_dispute(sale, how, at=at)
    assert (dispute.stands, amounts(sale.organisation)) == (True, NOTHING)
    note_dispute(sale, won(seen), at=AT + 3 * DAY)
    assert amounts(sale.organisation) == ALL
    references = Lot.objects.filter(kind=LotKind.RESTORED).values_list("reference")
    assert len(set(references)) == 2
    assert_proven(AT + 3 * DAY)


# --- through the sandbox --------------------------------------------------------------


@pytest.fixture
def bought(formosa: Organisation, stripe_sandbox: StripeSandbox) -> TopUp:
    return make_sale(formosa, "100", card="pm_card_visa")


def events() -> list[StripeInbox]:
    """What Stripe has said about disputes so far, in its order."""
    found = stripe.Event.list(limit=100)
    about = [one for one in found.data if one.type.startswith("charge.dispute.")]
    return [
        StripeInbox.objects.get_or_create(
            event_id=one.id,
            defaults={
                "type": one.type,
                "payload": {"data": {"object": {"id": one.data.object["id"]}}},
                "received_at": AT,
            },
        )[0]
        for one in reversed(about)
    ]


def story(bought: TopUp, sandbox: StripeSandbox) -> None:
    """An inquiry that becomes a dispute, which is won: six events at most."""
    name = sandbox.open_dispute(bought.stripe_payment_intent_id, inquiry=True)
    sandbox.escalate_dispute(name)
    sandbox.close_dispute(name, won=True)


def test_b42_every_event_leads_to_where_the_dispute_stands(
    bought: TopUp, stripe_sandbox: StripeSandbox
) -> None:
    name = stripe_sandbox.open_dispute(bought.stripe_payment_intent_id)
    for event in events():
        work_event(event.pk, at=AT)
    assert amounts(bought.organisation) == NOTHING
    stripe_sandbox.close_dispute(name, won=True)
    for event in events():
        work_event(event.pk, at=AT + DAY)
    assert amounts(bought.organisation) == ALL
    dispute = Dispute.objects.get()
    assert (dispute.withdrawn_at, dispute.reinstated_at) == (AT, AT + DAY)
    assert_proven(AT + DAY)


@pytest.mark.parametrize("order", [*permutations(["inquiry", "open", "won", "lost"])])
def test_b42_answers_in_any_order_end_where_the_last_one_says(
    sale: TopUp, order: tuple[str, ...]
) -> None:
    """Answers of Stripe may overtake each other; the sweep's is the last."""
    seen = seen_dispute(sale)
    shown = {"inquiry": inquiry(seen), "open": seen, "won": won(seen)}
    shown["lost"] = lost(seen)
    for step, name in enumerate([*order, "won"]):
        dispute = note_dispute(sale, shown[name], at=AT + step * DAY)
    sale.refresh_from_db()
    assert amounts(sale.organisation) == ALL
    assert (dispute.stands, sale.disputed) == (False, dollars("0"))
    assert_proven(AT + 5 * DAY)


@pytest.mark.parametrize("last", range(5))
def test_b42_all_orders_of_its_events_end_alike(
    bought: TopUp, stripe_sandbox: StripeSandbox, last: int
) -> None:
    """Five events, the one that comes last being each of them; all twice."""
    story(bought, stripe_sandbox)
    found = events()
    assert len(found) == 5
    for event in [*found[last + 1 :], *found[:last], *found[last::-1], found[last]]:
        event.worked_at = None
        event.save()
        work_event(event.pk, at=AT)
    assert amounts(bought.organisation) == ALL
    assert Dispute.objects.get().status == "won"
    assert_proven(AT)


def test_b42_events_that_come_late_find_the_dispute_over(
    bought: TopUp, stripe_sandbox: StripeSandbox
) -> None:
    story(bought, stripe_sandbox)
    found = events()
    assert len(found) >= 5
    for event in reversed(found):
        work_event(event.pk, at=AT)
    assert amounts(bought.organisation) == ALL
    assert not LedgerEntry.objects.filter(kind="dispute").exists()
    assert Dispute.objects.get().status == "won"
    assert_proven(AT)


def test_a_dispute_whose_events_were_lost_is_found_by_the_sweep(
    bought: TopUp, stripe_sandbox: StripeSandbox
) -> None:
    name = stripe_sandbox.open_dispute(bought.stripe_payment_intent_id)
    apply_dispute(name, at=AT)
    stripe_sandbox.close_dispute(name, won=False)
    assert look_at_disputes(AT + timedelta(minutes=59)) == 0
    assert look_at_disputes(AT + 2 * timedelta(hours=1)) == 1
    assert Dispute.objects.get().status == "lost"


def test_b43_a_dispute_of_a_payment_that_is_not_ours_is_for_staff(
    formosa: Organisation, stripe_sandbox: StripeSandbox
) -> None:
    intent = stripe.PaymentIntent.create(
        amount=900,
        currency="usd",
        payment_method="pm_card_visa",
        payment_method_types=["card"],
        confirm=True,
    )
    name = stripe_sandbox.open_dispute(intent.id)
    assert apply_dispute(name, at=AT) is None
    assert StaffTask.objects.get().kind == "dispute_not_attributed"


def test_b43_a_dispute_that_overtakes_its_payment_finishes_the_sale_first(
    buyer: Buyer,
) -> None:
    top_up = buyer.start()
    buyer.pay(top_up)
    payment = buyer.payment_of(top_up)
    name = buyer.sandbox.open_dispute(payment)
    apply_dispute(name, at=AT)
    top_up.refresh_from_db()
    assert (top_up.is_paid, top_up.disputed) == (True, top_up.total)


def test_a_dispute_pauses_the_card_once(
    bought: TopUp, alice: User, stripe_sandbox: StripeSandbox
) -> None:
    intent = stripe.PaymentIntent.retrieve(bought.stripe_payment_intent_id)
    card = PaymentMethod.objects.create(
        organisation=bought.organisation,
        stripe_payment_method_id=str(intent.payment_method),
        stripe_customer_id="cus_1",
        brand="visa",
        last_four="4242",
        expiry_year=2034,
        expiry_month=12,
        added_at=START,
        added_by=alice,
    )
    name = stripe_sandbox.open_dispute(bought.stripe_payment_intent_id)
    apply_dispute(name, at=AT)
    card.refresh_from_db()
    assert (card.suspended_at, card.suspended_code) == (AT, "disputed")
    PaymentMethod.objects.update(suspended_at=None, suspended_code="")
    apply_dispute(name, at=AT + DAY)
    card.refresh_from_db()
    assert card.suspended_at is None
