"""Writes drafts of invoices in bulk: invoices, lines, debt moved, months closed.

Four tables in a few statements, whatever the number of organisations; the wallets are
locked by the caller.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from billing.invoicing.draft import DraftLine, share_minors
from billing.models import (
    ClosedMonth,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceState,
    LineKind,
)
from credits.bulk import Table, insert_tables, reserve_ids
from credits.models import EntryKind, Wallet
from credits.money import Micros, currency_of
from credits.post import EntryDraft, post_entries

INVOICE_COLUMNS = (
    "id",
    "organisation_id",
    "kind",
    "billing_mode",
    "month",
    "state",
    "currency",
    "total_minor",
    "tax_minor",
    "drafted_at",
)
LINE_COLUMNS = (
    "invoice_id",
    "position",
    "kind",
    "facts",
    "amount",
    "minor",
    "tax_percent",
)
CLOSED_COLUMNS = (
    "organisation_id",
    "month",
    "invoice_id",
    "up_to_charge",
    "fees_through",
    "changes_until",
    "closed_at",
)

_text = json.JSONEncoder(ensure_ascii=False).encode  # made once, not for each line


@dataclass
class Bill:
    """A month of one organisation that is being closed."""

    organisation_id: int
    billing_mode: str
    currency: str
    month: date
    fees_through: date | None
    changes_until: datetime | None
    lines: list[DraftLine] = field(default_factory=list)
    debt: Micros = 0  # that moves from the wallet to this invoice
    invoice_id: int | None = None


def write_bills(
    bills: Sequence[Bill],
    wallets: Mapping[int, Wallet],
    *,
    up_to_charge: int,
    at: datetime,
) -> None:
    """Closes the months; those with nothing to bill get no invoice."""
    billed = [bill for bill in bills if bill.lines]
    ids = reserve_ids(Invoice, len(billed))
    for bill, invoice_id in zip(billed, ids, strict=True):
        bill.invoice_id = invoice_id
    invoices, lines = _documents(billed, at)
    insert_tables([table for table in (invoices, lines) if table.rows])
    moved = [
        EntryDraft(
            bill.organisation_id,
            EntryKind.DEBT_INVOICED.value,
            None,
            bill.debt,
            f"invoice:{bill.invoice_id}",
            at,
        )
        for bill in billed
        if bill.debt
    ]
    post_entries(wallets, moved, at=at)
    insert_tables([_closed(bills, up_to_charge, at)])


def _as_born() -> dict[str, Any]:
    """The other columns of an invoice that may not be empty, as a new one has them."""
    defaults = {
        str(field.column): field.get_default()
        for field in Invoice._meta.concrete_fields
        if not (field.null or field.primary_key or field.column in INVOICE_COLUMNS)
    }
    return {
        name: json.dumps(value) if isinstance(value, dict) else value
        for name, value in defaults.items()
    }


def _documents(bills: Sequence[Bill], at: datetime) -> tuple[Table, Table]:
    invoices, lines, rest = [], [], _as_born()
    for bill in bills:
        currency = currency_of(bill.currency)
        minors = share_minors([line.amount for line in bill.lines], currency)
        tax = 0
        for place, (line, minor) in enumerate(
            zip(bill.lines, minors, strict=True), start=1
        ):
            tax += minor if line.kind == LineKind.TAX else 0
            lines.append(
                (
                    bill.invoice_id,
                    place,
                    line.kind.value,
                    _text(dict(line.facts)),
                    line.amount,
                    minor,
                    str(line.tax_percent),
                )
            )
        invoices.append(
            (
                bill.invoice_id,
                bill.organisation_id,
                InvoiceKind.INVOICE.value,
                bill.billing_mode,
                bill.month.isoformat(),
                InvoiceState.DRAFT.value,
                bill.currency,
                sum(minors),
                tax,
                at,
                *rest.values(),
            )
        )
    return (
        Table(Invoice, (*INVOICE_COLUMNS, *rest), invoices),
        Table(InvoiceLine, LINE_COLUMNS, lines),
    )


def _closed(bills: Sequence[Bill], up_to_charge: int, at: datetime) -> Table:
    rows = [
        (
            bill.organisation_id,
            bill.month.isoformat(),
            bill.invoice_id,
            up_to_charge,
            bill.fees_through.isoformat() if bill.fees_through else None,
            bill.changes_until,
            at,
        )
        for bill in bills
    ]
    return Table(ClosedMonth, CLOSED_COLUMNS, rows)
