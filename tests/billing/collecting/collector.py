"""Drafts of invoices in few words, and somebody who issues, pays and waits."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import stripe
from django_q.models import OrmQ

from accounts.models import Notice, Organisation
from billing.collecting.collect_invoice import collect_invoice
from billing.collecting.dun_invoices import dun_invoices
from billing.collecting.issue_invoice import issue_invoice
from billing.models import Invoice, InvoiceLine, LineKind
from tests.billing.buying import Buyer

DAY = timedelta(days=1)
ISSUED = datetime(2026, 11, 4, 2, tzinfo=UTC)  # 10:00 in Taipei
DUE = date(2026, 11, 18)  # 14 days after
LICENCES = (
    LineKind.LICENCE,
    10_000,
    {"plan": "Domestic", "month": "2026-11", "licences": 10, "price": 10_000_000},
)
CALLS = (
    LineKind.USAGE,
    2_345,
    {
        "month": "2026-10",
        "country": "JP",
        "department": "Sales",
        "calls": 12,
        "seconds": 4_321,
    },
)
Line = tuple[LineKind, int, dict[str, Any]]


def make_draft(
    organisation: Organisation,
    *lines: Line,
    tax: int = 0,
    at: datetime = ISSUED,
    **more: Any,
) -> Invoice:
    """A draft of these lines, each with its minor units; `tax` is one more of 5 %."""
    wanted = list(lines or (LICENCES, CALLS))
    percent = 5 if tax else 0
    if tax:
        wanted.append((LineKind.TAX, tax, {"name": "VAT"}))
    draft = Invoice.objects.create(
        organisation=organisation,
        billing_mode=organisation.billing_mode,
        month=date(2026, 10, 1),
        currency=organisation.currency,
        total_minor=sum(minor for _kind, minor, _facts in wanted),
        tax_minor=tax,
        drafted_at=at,
        **more,
    )
    for position, (kind, minor, facts) in enumerate(wanted, start=1):
        InvoiceLine.objects.create(
            invoice=draft,
            position=position,
            kind=kind,
            facts=facts,
            amount=minor * 10_000,
            minor=minor,
            tax_percent=percent,
        )
    return draft


def make_issued(organisation: Organisation, *lines: Line, **more: Any) -> Invoice:
    at = more.get("at", ISSUED)
    return issue_invoice(make_draft(organisation, *lines, **more), at=at)


@dataclass
class Collector(Buyer):
    """Formosa's invoices, and the jobs that collect them, at a moment of its own."""

    now: datetime = field(default=ISSUED)

    def issue(self, *lines: Line, **more: Any) -> Invoice:
        return make_issued(self.organisation, *lines, at=self.now, **more)

    def collect(self, invoice: Invoice) -> Invoice:
        """What the job does that is asked for whenever something is owed or paid."""
        OrmQ.objects.all().delete()
        return collect_invoice(invoice.pk, at=self.now)

    def later(self, days: int) -> None:
        """Days pass; at the end of each of them the dunning job has run."""
        for _day in range(days):
            self.now += DAY
            dun_invoices(self.now)

    def told(self, *kinds: str) -> list[str]:
        """Kinds of messages owed to the billing address, oldest first."""
        mine = Notice.objects.filter(recipient=self.organisation.billing_email)
        found = mine.order_by("pk").values_list("kind", flat=True)
        return [kind for kind in found if not kinds or kind in kinds]

    def at_stripe(self, invoice: Invoice) -> stripe.Invoice:
        invoice.refresh_from_db()
        return stripe.Invoice.retrieve(invoice.stripe_invoice_id)
