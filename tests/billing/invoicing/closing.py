"""Calls and closed months, in few words."""

from datetime import UTC, date, datetime, timedelta

from accounts.models import Organisation
from billing.invoicing.close_month import close_month
from billing.models import ClosedMonth, Invoice, InvoiceLine
from calling.models import Source
from tests.calling.telephony import make_record, take_in

MARCH = date(2026, 3, 1)
APRIL = date(2026, 4, 1)
CLOSES = datetime(2026, 4, 4, 1, tzinfo=UTC)  # 72 hours after March's end in Taipei
NEXT = datetime(2026, 5, 4, 1, tzinfo=UTC)
TENTH = datetime(2026, 3, 10, 2, tzinfo=UTC)


def call(
    source: Source,
    record_id: str,
    minutes: int = 1,
    *,
    callee: str = "+81312345678",
    at: datetime = TENTH,
    told_at: datetime | None = None,
) -> None:
    """A call from Contoso's phone; told an hour later unless said otherwise.

    Of no minutes, it was not answered.
    """
    seconds, answered = 60 * minutes, minutes > 0
    record = make_record(
        record_id, seconds=seconds, at=at, callee=callee, answered=answered
    )
    take_in(source, record, at=told_at or at + timedelta(hours=1))


def close(
    organisation: Organisation, month: date = MARCH, at: datetime = CLOSES
) -> ClosedMonth:
    return close_month(organisation, month, at=at)


def billed(closed: ClosedMonth) -> Invoice:
    assert closed.invoice is not None
    return closed.invoice


def said(invoice: Invoice) -> list[tuple[str, int]]:
    """Kind and exact amount of every line, in their order."""
    return [(line.kind, line.amount) for line in lines_of(invoice)]


def lines_of(invoice: Invoice) -> list[InvoiceLine]:
    return list(invoice.lines.order_by("position"))
