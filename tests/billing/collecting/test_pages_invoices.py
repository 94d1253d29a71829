"""The page of documents, an invoice's page, its PDF, and who may pay."""

import pytest
import stripe
from django.test import Client

from accounts.models import Membership, Organisation, Role, User
from billing.collecting.pay_invoice import record_invoice_payment
from billing.invoicing.credit_invoice import credit_invoice
from billing.models import Document, InvoicePaymentKind
from credits.models import LotKind
from tests import makers
from tests.billing.collecting.collector import (
    CALLS,
    DAY,
    ISSUED,
    Collector,
    make_draft,
    make_issued,
)
from tests.billing.collecting.test_dun import run
from tests.sandbox.clicks import card, visit

REASON = "Wrong price list, case 12."


def text_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_all_documents_newest_first(
    client: Client, formosa: Organisation, alice: User
) -> None:
    client.force_login(alice)
    assert "No documents yet." in text_of(client, "/invoices/")
    makers.make_lot(formosa, "500", kind=LotKind.PURCHASE, at=ISSUED - 3 * DAY)
    first = make_issued(formosa, at=ISSUED - 2 * DAY)
    make_draft(formosa)
    second = make_issued(formosa)
    lines = list(first.lines.filter(kind="usage"))
    credit_invoice(first, lines=lines, actor=alice, reason=REASON, at=ISSUED)
    page = text_of(client, "/invoices/")
    order = ["INV-2026-0002", "INV-2026-0001", "T-0"]
    places = [page.index(name) for name in order]
    assert places == sorted(places)
    assert "CN-2026-0001" in page
    assert "Invoice " in page
    assert "None" not in page
    assert second.get_absolute_url() in page
    assert "US$223.45" in page  # owed on both
    only = text_of(client, "/invoices/?kind=credit_note")
    assert ("CN-2026-0001" in only, "INV-2026-0002" in only) == (True, False)
    assert "T-0" in text_of(client, "/invoices/?kind=receipt&page=nonsense")


def test_one_invoice(client: Client, formosa: Organisation, alice: User) -> None:
    invoice = make_issued(formosa, tax=617)
    record_invoice_payment(
        invoice,
        kind=InvoicePaymentKind.TRANSFER,
        amount_minor=10_000,
        reference="TR-1",
        actor=alice,
        at=ISSUED,
    )
    client.force_login(alice)
    page = text_of(client, invoice.get_absolute_url())
    for words in (
        "Invoice INV-2026-0001",
        "Due 18 Nov 2026",
        "US$29.62 to be paid",
        "10 × US$10.00",
        "12 calls · 73 min",
        "VAT 5 % on US$123.45",
        "Bank transfer, 4 November 2026",
        "Pay US$29.62",
        "Every call (CSV)",
    ):
        assert words in page
    pdf = client.get(f"{invoice.get_absolute_url()}invoice.pdf")
    assert pdf["Content-Type"] == "application/pdf"
    assert pdf.content == bytes(Document.objects.get().content)


def test_a_document_is_nobody_elses(
    client: Client, formosa: Organisation, charlie: User, contoso: Organisation
) -> None:
    invoice, draft = make_issued(formosa), make_draft(contoso)
    client.force_login(charlie)
    for path in ("", "invoice.pdf", "calls.csv"):
        found = client.get(f"{invoice.get_absolute_url()}{path}")
        assert found.status_code == 404
    assert client.get(draft.get_absolute_url()).status_code == 404
    assert client.post(f"{invoice.get_absolute_url()}pay/").status_code == 404


def test_receipts_are_pdfs_too(
    client: Client, formosa: Organisation, alice: User
) -> None:
    lot = makers.make_lot(formosa, "500", kind=LotKind.PURCHASE, at=ISSUED)
    client.force_login(alice)
    page = text_of(client, f"/top-ups/{lot.sale_id}/")
    address = f"/top-ups/{lot.sale_id}/receipt.pdf"
    assert address in page
    first, again = (client.get(address).content for _look in range(2))
    assert first.startswith(b"%PDF-")
    assert first == again
    assert Document.objects.count() == 1


def test_late_it_says_what_still_works(
    client: Client, formosa: Organisation, alice: User
) -> None:
    invoice = make_issued(formosa)
    run(formosa, days=22)
    client.force_login(alice)
    page = text_of(client, invoice.get_absolute_url())
    assert (
        "Paid calls are stopped; calls within plans and emergency calls go on." in page
    )
    assert "US$123.45 is late." in text_of(client, "/invoices/")
    run(formosa, days=8, start=ISSUED + 22 * DAY)
    page = text_of(client, invoice.get_absolute_url())
    assert "All calls but emergency calls are stopped." in page


def test_paying_leads_to_stripe_and_back(client: Client, collector: Collector) -> None:
    invoice = collector.issue(CALLS)
    client.force_login(collector.owner)
    sent = client.post(f"{invoice.get_absolute_url()}pay/")
    assert sent.status_code == 302
    visit(visit(sent.headers["Location"]).location, card())
    page = text_of(client, invoice.get_absolute_url())
    assert "Paid" in page
    assert "Pay US$" not in page
    invoice.refresh_from_db()
    assert invoice.state == "paid"
    again = client.post(f"{invoice.get_absolute_url()}pay/")
    assert again.headers["Location"] == invoice.get_absolute_url()
    assert len([one for one in stripe.Charge.list().data if one.paid]) == 1


def test_stripe_away_is_said(client: Client, collector: Collector) -> None:
    invoice = collector.issue(CALLS)
    client.force_login(collector.owner)
    collector.sandbox.fail("http_500", "/v1/invoices$")
    sent = client.post(f"{invoice.get_absolute_url()}pay/", follow=True)
    assert "The payment service does not answer." in sent.content.decode()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.DEVELOPER])
def test_who_only_reads_does_not_pay(
    client: Client, formosa: Organisation, bob: User, role: Role
) -> None:
    Membership.objects.filter(user=bob).update(role=role)
    invoice = make_issued(formosa)
    client.force_login(bob)
    assert "Pay US$" not in text_of(client, invoice.get_absolute_url())
    assert client.post(f"{invoice.get_absolute_url()}pay/").status_code == 403
