"""An invoice is numbered without gaps, names both parties, and never changes (10.2)."""

import hashlib
from datetime import timedelta

import pytest
from django.db import transaction
from django_q.models import OrmQ

from accounts.models import (
    AuditEvent,
    Notice,
    Organisation,
    ProviderSettings,
    StaffTask,
    User,
)
from billing.collecting.end_invoice import void_invoice, write_off_invoice
from billing.collecting.issue_invoice import issue_drafts, issue_invoice
from billing.documents.keep_document import keep_document
from billing.models import Document, Invoice, InvoiceState, LineKind
from billing.refusals import InvoiceNotOwed
from tests import makers
from tests.billing.collecting.collector import (
    CALLS,
    DUE,
    ISSUED,
    LICENCES,
    make_draft,
    make_issued,
)
from tests.billing.test_fences import refusal_of

REASON = "Billed twice by mistake, case 12."


def test_issued_with_number_parties_and_due_date(
    formosa: Organisation, provider: ProviderSettings
) -> None:
    Organisation.objects.filter(pk=formosa.pk).update(
        tax_id="12345675", address="7 Market Street"
    )
    done = make_issued(formosa, tax=617)
    assert (done.number, done.state, done.due_on) == ("INV-2026-0001", "issued", DUE)
    assert (done.issued_at, done.total_minor, done.owed_minor) == (
        ISSUED,
        12_962,
        12_962,
    )
    told = done.parties
    assert told["provider"]["name"] == "Formosa Tel"
    assert told["provider"]["tax_id"] == "24536806"
    assert told["customer"]["address"] == "7 Market Street"
    assert told["customer"]["tax_id"] == "12345675"
    (notice,) = Notice.objects.filter(recipient=formosa.billing_email)
    assert notice.kind == "invoice_issued"
    assert notice.context["amount"] == 129_620_000
    assert notice.context["due_on"] == "2026-11-18"
    assert AuditEvent.objects.filter(verb="issue_invoice").count() == 1


def test_days_to_pay_and_the_year_are_the_organisations_own(
    formosa: Organisation, provider: ProviderSettings
) -> None:
    provider.days_to_pay = 30
    provider.save()
    new_year = ISSUED.replace(month=12, day=31, hour=17)  # 1:00 on 1 January in Taipei
    done = make_issued(formosa, at=new_year)
    assert done.number == "INV-2027-0001"
    assert str(done.due_on) == "2027-01-31"


def test_numbers_have_no_gap(formosa: Organisation) -> None:
    """A number that was rolled back is given to the next."""
    first = make_issued(formosa)
    with transaction.atomic():
        issue_invoice(make_draft(formosa), at=ISSUED)
        transaction.set_rollback(True)
    assert make_issued(formosa).number == "INV-2026-0002"
    again = issue_invoice(first, at=ISSUED + timedelta(days=1))
    assert (again.number, again.issued_at) == (first.number, ISSUED)
    assert Notice.objects.filter(recipient=formosa.billing_email).count() == 2


def test_the_job_issues_every_draft(formosa: Organisation) -> None:
    for _number in range(3):
        make_draft(formosa)
    assert issue_drafts(ISSUED, limit=2) == 2
    assert issue_drafts(ISSUED, limit=2) == 1
    assert issue_drafts(ISSUED) == 0
    numbers = sorted(Invoice.objects.values_list("number", flat=True))
    assert numbers == ["INV-2026-0001", "INV-2026-0002", "INV-2026-0003"]


def test_what_asks_for_nothing_is_paid_at_once(formosa: Organisation) -> None:
    goodwill = (LineKind.GOODWILL, -12_345, {"text": "Sorry"})
    done = make_issued(formosa, LICENCES, CALLS, goodwill)
    assert (done.total_minor, done.state, done.paid_at) == (0, "paid", ISSUED)
    asked = [task.name() for task in OrmQ.objects.all()]
    assert "collect_invoice" not in " ".join(asked)


def test_a_bill_below_zero_is_the_customers(formosa: Organisation) -> None:
    goodwill = (LineKind.GOODWILL, -12_645, {"text": "Sorry"})
    done = make_issued(formosa, LICENCES, CALLS, goodwill)
    assert (done.total_minor, done.state) == (-300, "paid")
    task = StaffTask.objects.get()
    assert task.detail == "US$3.00 of INV-2026-0001 is the customer's; send it back."
    (notice,) = Notice.objects.filter(recipient=formosa.billing_email)
    assert notice.context["amount"] == -3_000_000


def test_its_pdf_is_rendered_once_and_kept(
    formosa: Organisation, provider: ProviderSettings
) -> None:
    done = make_issued(formosa)
    kept = Document.objects.get()
    assert kept.reference == f"invoice:{done.pk}"
    assert kept.sha256 == hashlib.sha256(bytes(kept.content)).hexdigest()
    assert bytes(kept.content).startswith(b"%PDF-")
    provider.name = "Renamed Tel"
    provider.save()
    assert keep_document(done, at=ISSUED + timedelta(days=9)).pk == kept.pk
    changed = "UPDATE billing_document SET sha256 = '' WHERE id = %s"
    assert refusal_of(changed, kept.pk) == "document_is_kept"


def test_void_and_written_off_with_a_reason(formosa: Organisation, alice: User) -> None:
    first, second = make_issued(formosa), make_issued(formosa)
    gone = void_invoice(first, actor=alice, reason=REASON, at=ISSUED)
    assert (gone.state, gone.number) == ("void", "INV-2026-0001")
    given_up = write_off_invoice(second, actor=alice, reason=REASON, at=ISSUED)
    assert given_up.state == InvoiceState.WRITTEN_OFF
    with pytest.raises(InvoiceNotOwed):
        write_off_invoice(first, actor=alice, reason=REASON, at=ISSUED)
    with pytest.raises(InvoiceNotOwed):
        void_invoice(make_draft(formosa), actor=alice, reason=REASON, at=ISSUED)
    verbs = AuditEvent.objects.filter(actor=alice).values_list("verb", "reason")
    assert set(verbs) == {("invoice_void", REASON), ("invoice_written_off", REASON)}


def test_nobody_elses_series(formosa: Organisation) -> None:
    """One series for all organisations: the provider's own."""
    other = makers.make_organisation()
    numbers = [make_issued(formosa).number, make_issued(other).number]
    assert numbers == ["INV-2026-0001", "INV-2026-0002"]
