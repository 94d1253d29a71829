"""Staff close months, lower drafts, credit lines and set rates of tax (rule 10)."""

import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import AuditEvent, Organisation, User
from billing.collecting.issue_invoice import issue_invoice
from billing.models import ClosedMonth, Invoice, InvoiceKind, TaxRate
from calling.models import Line, Source
from tests import makers
from tests.accounts.recently import signed_in_recently as signed_in
from tests.billing.invoicing.closing import CLOSES, billed, call, close, lines_of

pytestmark = pytest.mark.django_db
WHY = "Asked for by the customer."
INVOICES = "/admin/billing/invoice/"


@pytest.fixture
def clerk(db: None, settings: Settings) -> User:
    """May do all there is to do with invoices."""
    settings.STAFF_NEED_SECOND_FACTOR = False
    clerk = makers.make_user("clerk@tollgate.example", is_staff=True)
    names = ["close_period", "issue_invoice", "view_invoice", "view_organisation"]
    names += ["change_organisation", "view_taxrate", "add_taxrate", "change_taxrate"]
    names += ["view_closedmonth", "view_invoiceline"]
    clerk.user_permissions.set(Permission.objects.filter(codename__in=names))
    return clerk


@pytest.fixture
def draft(contoso: Organisation, desk: Line, pbx: Source) -> Invoice:
    call(pbx, "one", 5)
    call(pbx, "two", 5, callee="+442012345678")
    return billed(close(contoso))


def act(client: Client, page: str, action: str, pk: int, **given: object) -> str:
    data = {"action": action, "_selected_action": [pk], "reason": WHY, **given}
    answer = client.post(page, {**data, "confirmed": "1"}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_month_is_closed_early(clerk: User, contoso: Organisation) -> None:
    page, client = "/admin/accounts/organisation/", signed_in(clerk)
    running = f"{timezone.now():%Y-%m}"
    said = act(client, page, "close_month", contoso.pk, month=running)
    assert "not over yet" in said
    act(client, page, "close_month", contoso.pk, month="2026-03")
    assert ClosedMonth.objects.get().month == date(2026, 3, 1)
    event = AuditEvent.objects.get(verb="close_month")
    assert (event.actor, event.reason) == (clerk, WHY)
    assert client.get("/admin/billing/closedmonth/").status_code == 200


def test_a_draft_is_reviewed_and_lowered(clerk: User, draft: Invoice) -> None:
    client = signed_in(clerk)
    page = client.get(f"{INVOICES}{draft.pk}/change/").content.decode()
    assert {"0.105", "0.061725"} <= set(re.findall(r"US\$([\d.]+)", page))
    said = act(client, INVOICES, "give_goodwill", draft.pk, amount="5")
    assert "at most what the invoice bills" in said
    act(client, INVOICES, "give_goodwill", draft.pk, amount="0.10")
    draft.refresh_from_db()
    assert draft.total_minor == 7


def test_lines_are_credited(clerk: User, draft: Invoice) -> None:
    issue_invoice(draft, at=CLOSES)
    chosen = lines_of(draft)[1]
    client = signed_in(clerk)
    act(client, INVOICES, "credit_lines", draft.pk, lines=[chosen.pk])
    note = Invoice.objects.get(kind=InvoiceKind.CREDIT_NOTE)
    assert note.total_minor == -chosen.minor
    said = act(client, INVOICES, "credit_lines", draft.pk, lines=[chosen.pk])
    assert Invoice.objects.filter(kind=InvoiceKind.CREDIT_NOTE).count() == 1
    assert "is not one of the available choices" in said


def test_without_permission_there_are_no_actions(
    draft: Invoice, settings: Settings
) -> None:
    settings.STAFF_NEED_SECOND_FACTOR = False
    reader = makers.make_user("reader@tollgate.example", is_staff=True)
    names = ["view_invoice", "view_organisation", "change_organisation"]
    reader.user_permissions.set(Permission.objects.filter(codename__in=names))
    client = signed_in(reader)
    act(client, INVOICES, "give_goodwill", draft.pk, amount="0.10")
    act(
        client,
        "/admin/accounts/organisation/",
        "close_month",
        draft.organisation_id,
        month="2026-04",
    )
    draft.refresh_from_db()
    assert (draft.lines.count(), ClosedMonth.objects.count()) == (2, 1)


def test_a_rate_that_holds_stays(clerk: User) -> None:
    today, client = timezone.localdate(), signed_in(clerk)
    facts = {"country": "TW", "name": "VAT", "percent": "5"}
    for day in (today, today + timedelta(days=30)):
        client.post(
            "/admin/billing/taxrate/add/", facts | {"valid_from": day.isoformat()}
        )
    later, now = TaxRate.objects.order_by("-valid_from")
    for rate in (now, later):
        client.post(
            f"/admin/billing/taxrate/{rate.pk}/change/",
            facts | {"percent": "7", "valid_from": rate.valid_from.isoformat()},
        )
        rate.refresh_from_db()
    assert (now.percent, later.percent) == (Decimal(5), Decimal(7))
