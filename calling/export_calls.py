"""Writes the calls that match a filter as lines of a CSV file, newest first.

Read in pieces, so that memory does not grow with the number of calls.
"""

from collections.abc import Iterator

from accounts.models import Organisation
from calling.call_list import CallFilter, call_rows, matching_charges
from calling.models import Charge
from credits.money import amount_text
from credits.write_csv import local_cell, utc_cell

PIECE = 2_000
HEADING = (
    *("started_at_utc", "started_at_local", "line", "department", "kind"),
    *("direction", "caller", "callee", "destination", "seconds", "billed_seconds"),
    *("rate_per_minute", "cost", "paid_by_plan", "paid_by_credits"),
    *("billed_after_use", "beyond_balance", "currency", "record_id"),
)


def calls_to_export(
    organisation: Organisation, wanted: CallFilter, *, most: int
) -> Iterator[list[object]]:
    """A row to a call, in the order of HEADING."""
    charges = matching_charges(organisation, wanted)[:most]
    for charge in charges.iterator(chunk_size=PIECE):
        yield call_cells(organisation, charge)


def call_cells(organisation: Organisation, charge: Charge) -> list[object]:
    """One call in the order of HEADING; the charge knows its destination's name."""
    row = next(call_rows([charge]))
    return [
        utc_cell(row.started_at),
        local_cell(row.started_at, organisation.zone),
        row.line,
        charge.line.department if charge.line else "",
        row.kind.value,
        charge.call_record.direction,
        row.caller,
        row.callee,
        row.destination,
        row.seconds,
        charge.billed_seconds,
        amount_text(charge.rate_per_minute),
        amount_text(row.cost),
        amount_text(charge.pool_amount),
        amount_text(charge.credit_amount),
        amount_text(charge.postpaid_amount),
        amount_text(charge.debt_amount),
        organisation.currency,
        charge.call_record.source_record_id,
    ]
