"""A month is closed once, and bills what nobody has billed (rule 10.1)."""

from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.models import BillingMode, Organisation
from billing.invoicing.close_month import close_months
from billing.invoicing.refusals import MonthNotOver
from billing.models import ClosedMonth, Invoice
from calling.models import Line, Source
from tests import makers
from tests.billing.invoicing.closing import (
    APRIL,
    CLOSES,
    MARCH,
    NEXT,
    TENTH,
    billed,
    call,
    close,
    lines_of,
    said,
)
from tests.calling import telephony

pytestmark = pytest.mark.django_db


def test_usage_by_destination_and_department(
    contoso: Organisation, desk: Line, pbx: Source
) -> None:
    """10.1: a line per destination and department, its exact amount in micros."""
    call(pbx, "one", 3)
    call(pbx, "two", 2)
    call(pbx, "three", 1, callee="+442012345678")
    invoice = billed(close(contoso))
    assert said(invoice) == [("usage", 12_345), ("usage", 105_000)]
    assert [line.facts for line in lines_of(invoice)] == [
        {
            "month": "2026-03",
            "country": country,
            "department": "Sales",
            "calls": calls,
            "seconds": seconds,
        }
        for country, calls, seconds in (("GB", 1, 60), ("JP", 2, 300))
    ]
    assert (invoice.total_minor, invoice.state, invoice.number) == (12, "draft", "")
    assert (invoice.billing_mode, invoice.month) == (BillingMode.NCE, MARCH)


def test_a_rerun_creates_nothing(
    contoso: Organisation, desk: Line, pbx: Source
) -> None:
    call(pbx, "one")
    first = close(contoso)
    assert close(contoso, at=NEXT) == first
    assert close_months([contoso.pk], MARCH, at=NEXT) == 0
    assert (ClosedMonth.objects.count(), Invoice.objects.count()) == (1, 1)


def test_nothing_to_bill_is_no_invoice(contoso: Organisation) -> None:
    assert close(contoso).invoice is None
    assert Invoice.objects.count() == 0


def test_a_month_that_runs_is_not_closed(contoso: Organisation) -> None:
    """12: April begins in Taipei eight hours before it does in London."""
    begins = datetime(2026, 3, 31, 16, tzinfo=UTC)
    with pytest.raises(MonthNotOver):
        close(contoso, at=begins - timedelta(seconds=1))
    assert close(contoso, at=begins).month == MARCH


@pytest.mark.parametrize(
    ("zone", "last"),
    [
        # The last minute of October 2026 where the clocks were set a week before, or
        # at that very day: UTC-4, UTC+0 after summer time, UTC+13 in summer time.
        ("America/New_York", datetime(2026, 11, 1, 3, 59, tzinfo=UTC)),
        ("Europe/London", datetime(2026, 10, 31, 23, 59, tzinfo=UTC)),
        ("Pacific/Auckland", datetime(2026, 10, 31, 10, 59, tzinfo=UTC)),
        ("Asia/Taipei", datetime(2026, 10, 31, 15, 59, tzinfo=UTC)),
    ],
)
def test_a_month_ends_where_the_organisation_is(
    pbx: Source, zone: str, last: datetime
) -> None:
    """12: the minute before midnight belongs to October, the next one does not."""
    there = makers.make_organisation(billing_mode=BillingMode.NCE, time_zone=zone)
    telephony.make_line(there, "+886223456789")
    call(pbx, "october", at=last)
    call(pbx, "november", 2, at=last + timedelta(minutes=1))
    invoice = billed(close(there, date(2026, 10, 1), at=last + timedelta(hours=73)))
    assert said(invoice) == [("usage", 21_000)]


def test_late_calls_come_next_with_their_month(
    contoso: Organisation, desk: Line, pbx: Source
) -> None:
    """10.1: late records go to the next invoice with their own month."""
    call(pbx, "in time")
    call(pbx, "april", 2, at=TENTH + timedelta(days=23))  # known when March is closed
    close(contoso)
    call(pbx, "late", 3, told_at=CLOSES + timedelta(hours=1))
    invoice = billed(close(contoso, APRIL, at=NEXT))
    assert said(invoice) == [("usage", 42_000), ("late_usage", 63_000)]
    assert [line.facts["month"] for line in lines_of(invoice)] == ["2026-04", "2026-03"]


def test_a_month_passed_over_is_billed_with_the_next(
    contoso: Organisation, desk: Line, pbx: Source
) -> None:
    call(pbx, "march")
    call(pbx, "april", at=TENTH + timedelta(days=30))
    closed = close(contoso, APRIL, at=NEXT)
    assert said(billed(closed)) == [("usage", 21_000), ("late_usage", 21_000)]
    assert close(contoso, MARCH, at=NEXT) == closed


def test_b67_a_correction_bills_the_difference(
    contoso: Organisation, desk: Line, pbx: Source
) -> None:
    """6.7: in an invoiced period the difference goes to the next invoice."""
    call(pbx, "one", 5)
    call(pbx, "two", 5)
    close(contoso)
    call(pbx, "one", 3, told_at=CLOSES + timedelta(hours=1))
    invoice = billed(close(contoso, APRIL, at=NEXT))
    assert said(invoice) == [("late_usage", -42_000)]
    assert lines_of(invoice)[0].facts["calls"] == 0
    assert lines_of(invoice)[0].facts["seconds"] == -120


def test_b67_corrected_within_the_month_only_the_last_counts(
    contoso: Organisation, desk: Line, pbx: Source
) -> None:
    call(pbx, "one", 5)
    call(pbx, "one", 3, told_at=TENTH + timedelta(hours=2))
    call(pbx, "one", 4, told_at=TENTH + timedelta(hours=3))
    assert said(billed(close(contoso))) == [("usage", 84_000)]


def test_a_correction_to_nothing_takes_everything_back(
    contoso: Organisation, desk: Line, pbx: Source
) -> None:
    call(pbx, "one", 5)
    close(contoso)
    call(pbx, "one", 0, told_at=CLOSES + timedelta(hours=1))
    invoice = billed(close(contoso, APRIL, at=NEXT))
    assert said(invoice) == [("late_usage", -105_000)]
    assert invoice.total_minor == -11


def test_prepaid_calls_are_on_no_invoice(formosa: Organisation, pbx: Source) -> None:
    telephony.make_line(formosa, "+886223456789")
    telephony.give_credit(formosa, "10")
    call(pbx, "one")
    assert close(formosa).invoice is None
