"""Unpaid: messages at +0, +3, +7, +14, stops at +7 and +14, lifted at once (10.2)."""

from datetime import datetime, timedelta

import pytest

from accounts.models import (
    AuditEvent,
    Notice,
    Organisation,
    ProviderSettings,
    SuspendedBecause,
    User,
)
from billing.collecting.dun_invoices import dun_invoices
from billing.collecting.end_invoice import write_off_invoice
from billing.collecting.pay_invoice import record_invoice_payment
from billing.collecting.service_stops import resume, suspend
from billing.models import Invoice, InvoicePaymentKind
from billing.refusals import InvoiceStillLate
from tests.billing.collecting.collector import DAY, ISSUED, make_issued

REASON = "Agreed on the telephone, case 12."


def run(organisation: Organisation, *, days: int, start: datetime = ISSUED) -> datetime:
    """The job runs on each of these days, twice; the moment of the last."""
    at = start
    for _day in range(days):
        at += DAY
        dun_invoices(at)
        dun_invoices(at + timedelta(hours=1))
    organisation.refresh_from_db()
    return at


def told(organisation: Organisation) -> list[tuple[str, int]]:
    """Kind and day of each message to the billing address, in days after issue."""
    mine = Notice.objects.filter(recipient=organisation.billing_email).order_by("pk")
    return [(one.kind, (one.created_at - ISSUED).days) for one in mine]


def pay(invoice: Invoice, at: datetime, reference: str = "TR-1") -> None:
    invoice.refresh_from_db()
    record_invoice_payment(
        invoice,
        kind=InvoicePaymentKind.TRANSFER,
        amount_minor=invoice.owed_minor,
        reference=reference,
        actor=None,
        at=at,
    )


def test_each_message_once_and_each_stop_on_its_day(formosa: Organisation) -> None:
    invoice = make_issued(formosa)
    run(formosa, days=14 + 16)
    assert told(formosa) == [
        ("invoice_issued", 0),
        ("invoice_due", 14),
        ("invoice_late", 17),
        ("invoice_late", 21),
        ("service_restricted", 21),
        ("invoice_late", 28),
        ("service_suspended", 28),
    ]
    invoice.refresh_from_db()
    assert (invoice.state, invoice.dunned) == ("late", 5)
    assert formosa.restricted_at == ISSUED + 21 * DAY
    assert formosa.suspended_at == ISSUED + 28 * DAY
    assert formosa.suspended_because == SuspendedBecause.DUNNING
    verbs = ("invoice_late", "restrict_organisation", "suspend_organisation")
    for verb in verbs:
        assert AuditEvent.objects.filter(verb=verb).count() == 1


def test_late_from_the_day_after_due(formosa: Organisation) -> None:
    invoice = make_issued(formosa)
    at = run(formosa, days=14)
    invoice.refresh_from_db()
    assert invoice.state == "issued"
    # 23:59 of the due day in Taipei, and a minute later.
    dun_invoices(at.replace(hour=15, minute=59))
    invoice.refresh_from_db()
    assert invoice.state == "issued"
    dun_invoices(at.replace(hour=16, minute=0))
    invoice.refresh_from_db()
    assert invoice.state == "late"


def test_an_outage_is_caught_up_without_a_burst(formosa: Organisation) -> None:
    make_issued(formosa)
    run(formosa, days=1, start=ISSUED + 21 * DAY)
    assert told(formosa) == [
        ("invoice_issued", 0),
        ("invoice_late", 22),
        ("service_restricted", 22),
    ]
    late = Notice.objects.filter(kind="invoice_late").first()
    assert late is not None
    assert late.context["days"] == 8
    assert late.context["restricts_on"] == "2026-11-25"
    assert late.context["suspends_on"] == "2026-12-02"
    run(formosa, days=7, start=ISSUED + 22 * DAY)
    assert [kind for kind, _day in told(formosa)][3:] == [
        "invoice_late",
        "service_suspended",
    ]


def test_missed_on_the_due_day_it_is_told_as_late(formosa: Organisation) -> None:
    make_issued(formosa)
    run(formosa, days=1, start=ISSUED + 14 * DAY)
    assert told(formosa)[1:] == [("invoice_late", 15)]


def test_everything_is_lifted_at_once_when_nothing_is_late(
    formosa: Organisation,
) -> None:
    first, second = make_issued(formosa), make_issued(formosa)
    at = run(formosa, days=30)
    pay(first, at)
    formosa.refresh_from_db()
    assert formosa.suspended_at is not None
    pay(second, at, "TR-2")
    formosa.refresh_from_db()
    assert formosa.restricted_at is None
    assert not formosa.suspended_because
    assert told(formosa)[-1] == ("service_resumed", 30)
    run(formosa, days=3, start=at)
    assert told(formosa)[-1] == ("service_resumed", 30)


def test_a_part_is_not_enough_and_writing_off_is(
    formosa: Organisation, alice: User
) -> None:
    invoice = make_issued(formosa)
    at = run(formosa, days=22)
    record_invoice_payment(
        invoice,
        kind=InvoicePaymentKind.TRANSFER,
        amount_minor=1,
        reference="TR-1",
        actor=alice,
        at=at,
    )
    formosa.refresh_from_db()
    assert formosa.restricted_at is not None
    write_off_invoice(invoice, actor=alice, reason=REASON, at=at)
    formosa.refresh_from_db()
    assert formosa.restricted_at is None


def test_the_days_are_the_providers_own(
    formosa: Organisation, provider: ProviderSettings
) -> None:
    provider.restrict_after_days, provider.suspend_after_days = 2, 30
    provider.save()
    make_issued(formosa)
    run(formosa, days=14 + 29)
    assert formosa.restricted_at == ISSUED + 16 * DAY
    assert formosa.suspended_at is None


def test_what_staff_suspended_only_staff_resume(
    formosa: Organisation, alice: User
) -> None:
    invoice = make_issued(formosa)
    because = SuspendedBecause.FRAUD
    assert suspend(formosa.pk, because=because, actor=alice, reason=REASON, at=ISSUED)
    at = run(formosa, days=30)
    assert (formosa.suspended_at, formosa.suspended_because) == (ISSUED, "fraud")
    pay(invoice, at)
    formosa.refresh_from_db()
    assert (formosa.restricted_at, formosa.suspended_because) == (None, "fraud")
    assert "service_resumed" not in dict(told(formosa))
    resume(formosa.pk, actor=alice, reason=REASON, at=at)
    formosa.refresh_from_db()
    assert formosa.suspended_at is None
    assert told(formosa)[-1] == ("service_resumed", 30)


def test_staff_do_not_resume_what_is_late(formosa: Organisation, alice: User) -> None:
    make_issued(formosa)
    at = run(formosa, days=30)
    with pytest.raises(InvoiceStillLate):
        resume(formosa.pk, actor=alice, reason=REASON, at=at)
