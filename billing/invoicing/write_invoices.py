"""Writes drafts of invoices in bulk: invoices, lines, debt moved, months closed.

Four tables in a few statements, whatever the number of organisations; the wallets are
locked by the caller. Rows are made in parts while the database stores those before.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
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
from credits.bulk import Table, insert_tables, parts, reserve_ids
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

AT_A_TIME = 100  # bills, whose rows take a millisecond or two
TAX = LineKind.TAX.value

_text = json.JSONEncoder(ensure_ascii=False).encode  # made once, not for each line
_percent = lru_cache(maxsize=100)(str)


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
    minors: list[int] = field(default_factory=list)  # of the lines, once shared out
    debt: Micros = 0  # that moves from the wallet to this invoice
    invoice_id: int | None = None


def write_bills(
    bills: Sequence[Bill],
    wallets: Mapping[int, Wallet],
    *,
    up_to_charge: int,
    at: datetime,
) -> None:
    """Closes the months; those with nothing to bill get no invoice.

    Of the wallets only those are needed whose debt moves.
    """
    billed = [bill for bill in bills if bill.lines]
    ids = reserve_ids(Invoice, len(billed))
    for bill, invoice_id in zip(billed, ids, strict=True):
        bill.invoice_id = invoice_id
    insert_tables(_tables(bills, billed, up_to_charge, at))
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


def _tables(
    bills: Sequence[Bill], billed: Sequence[Bill], up_to_charge: int, at: datetime
) -> Iterator[Table]:
    rest = _as_born()
    for some in parts(billed, AT_A_TIME):
        rows = [(*_invoice(bill, at), *rest.values()) for bill in some]
        yield Table(Invoice, (*INVOICE_COLUMNS, *rest), rows)
    for some in parts(billed, AT_A_TIME):
        yield Table(
            InvoiceLine, LINE_COLUMNS, [row for one in some for row in _lines(one)]
        )
    yield Table(ClosedMonth, CLOSED_COLUMNS, _closed(bills, up_to_charge, at))


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


def _invoice(bill: Bill, at: datetime) -> tuple[Any, ...]:
    lines = bill.lines
    amounts = [line.amount for line in lines]
    bill.minors = share_minors(amounts, currency_of(bill.currency))
    return (
        bill.invoice_id,
        bill.organisation_id,
        InvoiceKind.INVOICE.value,
        bill.billing_mode,
        bill.month.isoformat(),
        InvoiceState.DRAFT.value,
        bill.currency,
        sum(bill.minors),
        bill.minors[-1] if lines[-1].kind == TAX else 0,  # it is the last line
        at,
    )


def _lines(bill: Bill) -> Iterator[tuple[Any, ...]]:
    for place, (line, minor) in enumerate(
        zip(bill.lines, bill.minors, strict=True), start=1
    ):
        kind, amount, facts, percent = line
        yield (
            bill.invoice_id,
            place,
            kind._value_,
            facts if isinstance(facts, str) else _text(dict(facts)),
            amount,
            minor,
            _percent(percent),
        )


def _closed(
    bills: Sequence[Bill], up_to_charge: int, at: datetime
) -> list[tuple[Any, ...]]:
    return [
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
