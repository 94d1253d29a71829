"""Staff issue, void, credit, write off, match transfers, suspend and resume."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import AuditEvent, Organisation, User
from billing.models import Invoice, InvoicePayment
from tests.billing.collecting.collector import make_draft, make_issued
from tests.billing.test_admin_reversals import act, confirm, root

__all__ = ["root"]

INVOICES = "/admin/billing/invoice/"
ORGANISATIONS = "/admin/accounts/organisation/"


@pytest.mark.usefixtures("root")
def test_issue_asks_why_and_numbers(client: Client, formosa: Organisation) -> None:
    draft = make_draft(formosa)
    asked = act(client, INVOICES, "issue", draft)
    assert "An issued invoice never changes" in asked
    draft.refresh_from_db()
    assert draft.number == ""
    confirm(client, INVOICES, "issue", draft)
    draft.refresh_from_db()
    assert draft.state == "issued"
    page = client.get(f"{INVOICES}{draft.pk}/change/").content.decode()
    assert "US$100.00" in page
    pdf = client.get(f"{INVOICES}{draft.pk}/pdf/")
    assert pdf["Content-Type"] == "application/pdf"


@pytest.mark.usefixtures("root")
def test_ends_and_credit(client: Client, formosa: Organisation) -> None:
    first, second, third = (make_issued(formosa) for _number in range(3))
    confirm(client, INVOICES, "void", first)
    confirm(client, INVOICES, "write_off", second)
    confirm(client, INVOICES, "credit", third)
    states = dict(Invoice.objects.values_list("number", "state"))
    assert states == {
        "INV-2026-0001": "void",
        "INV-2026-0002": "written_off",
        "INV-2026-0003": "paid",
        **{number: "issued" for number in states if number.startswith("CN")},
    }
    refused = confirm(client, INVOICES, "void", third)
    assert "This invoice is not waiting for a payment." in refused


def test_a_transfer_is_matched(
    client: Client, root: User, formosa: Organisation
) -> None:
    invoice, other = make_issued(formosa), make_issued(formosa)
    one = confirm(client, INVOICES, "record_transfer", invoice, other)
    assert "Choose one invoice" in one
    typed = {"amount": "23.45", "bank_reference": " TR-9 "}
    done = confirm(client, INVOICES, "record_transfer", invoice, **typed)
    assert "US$23.45 recorded" in done
    payment = InvoicePayment.objects.get()
    assert (payment.amount_minor, payment.reference) == (2_345, "TR-9")
    assert payment.recorded_by == root
    too_much = {"amount": "100.01", "bank_reference": "TR-10"}
    refused = confirm(client, INVOICES, "record_transfer", invoice, **too_much)
    assert "more than the invoice still asks for" in refused
    again = confirm(client, INVOICES, "record_transfer", other, **typed)
    assert "recorded before, for something else" in again


@pytest.mark.usefixtures("root")
def test_suspend_and_resume(client: Client, formosa: Organisation) -> None:
    asked = act(client, ORGANISATIONS, "suspend", formosa)
    assert "but emergency calls" in asked
    assert "An invoice was not paid" not in asked
    confirm(client, ORGANISATIONS, "suspend", formosa, because="fraud")
    formosa.refresh_from_db()
    assert (bool(formosa.suspended_at), formosa.suspended_because) == (True, "fraud")
    confirm(client, ORGANISATIONS, "resume", formosa)
    formosa.refresh_from_db()
    assert (formosa.suspended_at, formosa.suspended_because) == (None, "")
    verbs = AuditEvent.objects.filter(organisation=formosa).values_list(
        "verb", flat=True
    )
    assert set(verbs) == {"suspend_organisation", "resume_organisation"}


def test_each_deed_has_its_permission(
    client: Client, root: User, formosa: Organisation
) -> None:
    """Staff who only look are offered nothing, and a posted action does nothing."""
    root.is_superuser = False
    root.save()
    looks = Permission.objects.filter(
        codename__in=["view_invoice", "view_organisation"]
    )
    root.user_permissions.set(looks)
    draft, issued = make_draft(formosa), make_issued(formosa)
    for action in ("issue", "void", "write_off", "credit", "record_transfer"):
        confirm(client, INVOICES, action, draft, issued)
    for action in ("suspend", "resume"):
        confirm(client, ORGANISATIONS, action, formosa, because="fraud")
    draft.refresh_from_db()
    issued.refresh_from_db()
    formosa.refresh_from_db()
    assert (draft.state, issued.state, formosa.suspended_at) == (
        "draft",
        "issued",
        None,
    )
