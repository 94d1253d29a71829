"""What the database itself refuses about invoices, on both engines (rule 10.2)."""

import pytest

from accounts.models import BillingMode, Organisation
from billing.collecting.issue_invoice import issue_invoice
from billing.models import Invoice
from calling.models import Line, Source
from tests import makers
from tests.billing.invoicing.closing import CLOSES, billed, call, close
from tests.billing.test_fences import refusal_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(contoso: Organisation, desk: Line, pbx: Source) -> Invoice:
    call(pbx, "one", 5)
    return billed(close(contoso))


@pytest.mark.parametrize(
    "change",
    [
        "total_minor = 1",
        "tax_minor = 1",
        "number = 'INV-1'",
        "state = 'draft', number = '', issued_at = NULL",
        "due_on = '2027-01-01'",
        "purchase_order = 'PO 7'",
        "parties = '{\"a\": 1}'",
        "currency = 'EUR'",
        "month = '2026-01-01'",
    ],
)
def test_an_issued_invoice_never_changes(draft: Invoice, change: str) -> None:
    issue_invoice(draft, at=CLOSES)
    sql = f"UPDATE billing_invoice SET {change} WHERE id = %s"
    assert refusal_of(sql, draft.pk) == "invoice_never_changes"


def test_what_happens_to_it_may_change(draft: Invoice) -> None:
    issue_invoice(draft, at=CLOSES)
    sql = "UPDATE billing_invoice SET dunned = 2, state = 'late' WHERE id = %s"
    assert refusal_of(sql, draft.pk) == ""


def test_lines_are_written_while_it_is_a_draft(draft: Invoice) -> None:
    other = "UPDATE billing_invoiceline SET position = 7 WHERE invoice_id = %s"
    assert refusal_of(other, draft.pk) == ""
    issue_invoice(draft, at=CLOSES)
    assert refusal_of(other, draft.pk) == "lines_of_draft"
    gone = "DELETE FROM billing_invoiceline WHERE invoice_id = %s"
    assert refusal_of(gone, draft.pk) == "lines_of_draft"
    added = (
        "INSERT INTO billing_invoiceline (invoice_id, position, kind, facts, amount,"
        " minor, tax_percent) VALUES (%s, 9, 'usage', '{}', 1, 0, 0)"
    )
    assert refusal_of(added, draft.pk) == "lines_of_draft"


def test_it_is_issued_with_lines_that_add_up(draft: Invoice) -> None:
    """10.3: the minor units of the lines are the total."""
    sql = (
        "UPDATE billing_invoice SET state = 'issued', number = 'INV-1',"
        " total_minor = 7, issued_at = drafted_at WHERE id = %s"
    )
    assert refusal_of(sql, draft.pk) == "invoice_adds_up"


def test_closed_is_closed(draft: Invoice) -> None:
    moved = "UPDATE billing_closedmonth SET up_to_charge = 0 WHERE invoice_id = %s"
    assert refusal_of(moved, draft.pk) == "closed_month_is_kept"
    gone = "DELETE FROM billing_closedmonth WHERE invoice_id = %s"
    assert refusal_of(gone, draft.pk) == "closed_month_is_kept"
    assert refusal_of("DELETE FROM billing_invoice WHERE id = %s", draft.pk) != ""


def test_lines_name_an_invoice_that_is_there(draft: Invoice) -> None:
    added = (
        "INSERT INTO billing_invoiceline (invoice_id, position, kind, facts, amount,"
        " minor, tax_percent) VALUES (%s, 9, 'usage', '{}', 0, 0, 0)"
    )
    assert refusal_of(added, draft.pk) == ""
    assert refusal_of(added, draft.pk + 1000) == "lines_of_draft"


def test_an_invoice_is_of_an_organisation_with_a_wallet(draft: Invoice) -> None:
    added = (
        "INSERT INTO billing_invoice (organisation_id, kind, billing_mode, state,"
        " number, currency, total_minor, tax_minor, paid_minor, credited_minor,"
        " parties, purchase_order, drafted_at, dunned, stripe_invoice_id, stripe_round)"
        " VALUES (%s, 'invoice', 'NCE', 'draft', '', 'USD', 0, 0, 0, 0, '{}', '',"
        " '2026-04-04 00:00:00+00', 0, '', 0)"
    )
    assert refusal_of(added, draft.organisation_id) == ""
    assert refusal_of(added, draft.organisation_id + 1000) == "invoice_of_organisation"


def test_an_invoice_keeps_its_id(draft: Invoice) -> None:
    moved = "UPDATE billing_invoice SET id = id + 1000 WHERE id = %s"
    assert refusal_of(moved, draft.pk) == "invoice_never_changes"


def test_a_closed_month_names_its_own_invoice(draft: Invoice) -> None:
    other = makers.make_organisation(billing_mode=BillingMode.NCE)
    draft.pk, draft.total_minor, draft.tax_minor = None, 0, 0
    draft.save(force_insert=True)  # one that no month names yet
    added = (
        "INSERT INTO billing_closedmonth (organisation_id, month, invoice_id,"
        " up_to_charge, closed_at) VALUES (%s, '2026-04-01', %s, 0,"
        " '2026-05-04 00:00:00+00')"
    )
    fence = "closed_month_of_organisation"
    assert refusal_of(added, other.pk, draft.pk) == fence
    assert refusal_of(added, other.pk, draft.pk + 1000) == fence
    assert refusal_of(added, other.pk + 1000, draft.pk) == fence
