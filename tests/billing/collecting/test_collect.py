"""Invoices at Stripe: sent once, charged once, paid on its page, booked once (10.2)."""

import pytest
import stripe

from accounts.models import Organisation, StaffTask
from billing.collecting.collect_invoice import payment_page
from billing.collecting.dispute_invoice import note_invoice_dispute
from billing.collecting.pay_invoice import record_invoice_payment
from billing.collecting.reconcile_invoices import reconcile_invoices
from billing.gateway import ensure_customer
from billing.models import Invoice, InvoicePayment, InvoicePaymentKind, LineKind
from billing.reconciling.compare_with_stripe import compare_next
from billing.refusals import PaymentsUnavailable
from billing.reversing.reversal_gateway import SeenDispute
from billing.work_event import work_event
from tests.billing.collecting.collector import DAY, ISSUED, Collector, make_issued
from tests.billing.recharging import make_card
from tests.sandbox.clicks import VISA, card, visit
from tests.sandbox.paying import CHARGES_FAIL

# Every call to Stripe that does something, in the order they are made.
CALLS = ["invoices$", "invoiceitems$", r"invoices/\w+/finalize", r"invoices/\w+/pay"]


def save_card(collector: Collector, number: str = VISA) -> None:
    customer = ensure_customer(collector.organisation)
    method = collector.sandbox.save_card(customer, number)
    make_card(
        collector.organisation,
        at=collector.now,
        is_default=True,
        stripe_payment_method_id=method,
        stripe_customer_id=customer,
    )


def work_events(collector: Collector, *, twice: bool = False) -> None:
    for event in collector.events():
        work_event(event.pk, at=collector.now)
        if twice:
            work_event(event.pk, at=collector.now, is_again=True)


def assert_paid_once(invoice: Invoice, amount: int = 12_345) -> None:
    invoice.refresh_from_db()
    assert (invoice.state, invoice.paid_minor) == ("paid", amount)
    assert not StaffTask.objects.exists()
    charges = stripe.Charge.list().data
    assert sum(charge.amount for charge in charges if charge.paid) == amount


def test_charged_on_the_saved_card(collector: Collector) -> None:
    save_card(collector)
    invoice = collector.issue()
    collector.collect(invoice)
    assert_paid_once(invoice)
    payment = InvoicePayment.objects.get()
    assert payment.reference.startswith("pi_")
    at_stripe = collector.at_stripe(invoice)
    assert at_stripe.auto_advance is False
    assert at_stripe.description == invoice.number
    lines = [(line.amount, line.description) for line in at_stripe.lines.data]
    assert lines == [
        (10_000, "licence · Domestic · 2026-11"),
        (2_345, "usage · JP · Sales · 2026-10"),
    ]
    work_events(collector, twice=True)
    collector.collect(invoice)
    assert_paid_once(invoice)
    assert InvoicePayment.objects.count() == 1


def test_declined_it_waits_for_its_owner_who_pays_on_stripes_page(
    collector: Collector,
) -> None:
    save_card(collector, CHARGES_FAIL)
    invoice = collector.issue()
    for _again in range(3):  # by itself it is charged once
        collector.collect(invoice)
    invoice.refresh_from_db()
    assert (invoice.state, invoice.paid_minor) == ("issued", 0)
    assert collector.at_stripe(invoice).attempt_count == 1
    page = visit(payment_page(invoice.pk, at=collector.now)).location
    visit(page, card())
    work_events(collector, twice=True)
    assert_paid_once(invoice)
    assert payment_page(invoice.pk, at=collector.now) == ""


def test_without_a_card_nothing_is_charged(collector: Collector) -> None:
    invoice = collector.issue()
    collector.collect(invoice)
    at_stripe = collector.at_stripe(invoice)
    assert (at_stripe.status, at_stripe.attempted) == ("open", False)
    assert at_stripe.amount_due == 12_345


@pytest.mark.parametrize(
    ("currency", "minor", "units"), [("TWD", 123, 12_300), ("JPY", 123, 123)]
)
def test_minor_units_of_every_size(
    collector: Collector, currency: str, minor: int, units: int
) -> None:
    """Taiwan's dollar is billed whole and sent in cents."""
    collector.organisation.currency = currency
    collector.organisation.save()
    invoice = collector.issue((LineKind.DEBT, minor, {}))
    collector.collect(invoice)
    assert collector.at_stripe(invoice).amount_due == units


def test_a_transfer_in_part_leaves_the_rest_to_the_page(collector: Collector) -> None:
    invoice = collector.issue()
    first = collector.collect(invoice).stripe_invoice_id
    record_invoice_payment(
        invoice,
        kind=InvoicePaymentKind.TRANSFER,
        amount_minor=10_000,
        reference="TR-1",
        actor=collector.owner,
        at=collector.now,
    )
    collector.collect(invoice)
    assert stripe.Invoice.retrieve(first).status == "void"
    rest = collector.at_stripe(invoice)
    assert (rest.status, rest.amount_due) == ("open", 2_345)
    visit(visit(str(rest.hosted_invoice_url)).location, card())
    work_events(collector)
    invoice.refresh_from_db()
    assert (invoice.state, invoice.paid_minor) == ("paid", 12_345)


def test_paid_by_transfer_it_cannot_be_paid_at_stripe(collector: Collector) -> None:
    invoice = collector.issue()
    collector.collect(invoice)
    page = collector.at_stripe(invoice).hosted_invoice_url
    record_invoice_payment(
        invoice,
        kind=InvoicePaymentKind.TRANSFER,
        amount_minor=12_345,
        reference="TR-1",
        actor=collector.owner,
        at=collector.now,
    )
    # Its job fell over; the sweep finds it.
    reconcile_invoices(collector.now + DAY / 2)
    assert "This invoice is void" in visit(str(page)).text


@pytest.mark.parametrize("path", CALLS)
def test_an_answer_that_was_lost_is_asked_for_again(
    collector: Collector, path: str
) -> None:
    """Each call to Stripe is done and its answer lost: with the same key, once."""
    save_card(collector)
    invoice = collector.issue()
    collector.sandbox.fail("connection_reset_after", f"/v1/{path}")
    try:
        collector.collect(invoice)
    except PaymentsUnavailable:
        reconcile_invoices(collector.now + DAY)
    assert_paid_once(invoice)
    made = stripe.Invoice.list().data
    assert [one.amount_due for one in made] == [12_345]


@pytest.mark.parametrize("path", CALLS)
def test_a_request_that_never_arrived_is_sent_again(
    collector: Collector, path: str
) -> None:
    save_card(collector)
    invoice = collector.issue()
    collector.sandbox.fail("http_500", f"/v1/{path}")
    with pytest.raises(PaymentsUnavailable):
        collector.collect(invoice)
    reconcile_invoices(collector.now + DAY)
    assert_paid_once(invoice)


def test_a_lost_event_heals_by_the_sweep_and_the_books_agree(
    collector: Collector,
) -> None:
    invoice = collector.issue()
    collector.collect(invoice)
    page = str(collector.at_stripe(invoice).hosted_invoice_url)
    visit(visit(page).location, card())
    assert reconcile_invoices(collector.now + DAY) == 1
    assert_paid_once(invoice)
    cursor = compare_next("", at=collector.now + DAY)
    while cursor:
        cursor = compare_next(cursor, at=collector.now + DAY)
    assert_paid_once(invoice)


def test_what_names_no_invoice_of_ours_is_for_staff(collector: Collector) -> None:
    customer = ensure_customer(collector.organisation)
    collector.sandbox.save_card(customer, is_default=True)
    wanted = {"customer": customer, "currency": "usd"}
    foreign = stripe.Invoice.create(auto_advance=False, **wanted)  # type: ignore[arg-type]
    stripe.InvoiceItem.create(invoice=foreign.id, amount=500, **wanted)  # type: ignore[arg-type]
    stripe.Invoice.finalize_invoice(foreign.id)
    stripe.Invoice.pay(foreign.id)
    work_events(collector)
    task = StaffTask.objects.get()
    assert (task.kind, task.reference) == ("invoice_not_attributed", foreign.id)
    assert not InvoicePayment.objects.exists()


def test_a_disputed_payment_returns_it_to_late(collector: Collector) -> None:
    save_card(collector)
    invoice = collector.issue()
    collector.collect(invoice)
    paid_by = InvoicePayment.objects.get().reference
    dispute = collector.sandbox.open_dispute(paid_by)
    work_events(collector, twice=True)
    invoice.refresh_from_db()
    assert (invoice.state, invoice.owed_minor) == ("late", 12_345)
    assert StaffTask.objects.get().kind == "invoice_payment_disputed"
    collector.collect(invoice)  # not charged again by itself
    assert collector.at_stripe(invoice).attempt_count == 0
    collector.sandbox.close_dispute(dispute)
    work_events(collector, twice=True)
    invoice.refresh_from_db()
    assert (invoice.state, invoice.owed_minor) == ("paid", 0)
    amounts = InvoicePayment.objects.order_by("pk").values_list(
        "amount_minor", flat=True
    )
    assert list(amounts) == [12_345, -12_345, 12_345]


@pytest.mark.django_db
def test_one_dispute_is_not_taken_for_another(formosa: Organisation) -> None:
    for payment in ("pi_1", "pi_2"):
        invoice = make_issued(formosa)
        record_invoice_payment(
            invoice,
            kind=InvoicePaymentKind.STRIPE,
            amount_minor=12_345,
            reference=payment,
            actor=None,
            at=ISSUED,
        )
    for name, payment in (("du_12", "pi_2"), ("du_1", "pi_1")):
        seen = SeenDispute(
            id=name,
            status="needs_response",
            reason="fraudulent",
            amount=123_450_000,
            currency="USD",
            payment_id=payment,
            payment_method_id="pm_1",
            fingerprint="",
            opened_at=ISSUED,
            evidence_due_at=None,
            is_withdrawn=True,
        )
        assert note_invoice_dispute(seen, at=ISSUED)
    assert [one.state for one in Invoice.objects.all()] == ["late", "late"]
