"""Every call of an invoice, in a file that adds up and that no memory has to hold."""

import csv
import io
import sys
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Organisation, User
from billing.collecting.issue_invoice import issue_invoice
from billing.documents.annex import HEADING, calls_of_invoice
from billing.models import ClosedMonth, LineKind
from calling.models import CallRecord, Charge, Source
from credits.money import to_micros
from credits.write_csv import csv_lines
from tests.billing.invoicing.closing import (
    APRIL,
    CLOSES,
    NEXT,
    TENTH,
    billed,
    call,
    close,
)

USAGE = (LineKind.USAGE, LineKind.LATE_USAGE)
MANY, FEW = 100_000, 4_000


def rows_of(closed: ClosedMonth) -> list[dict[str, str]]:
    text = "".join(csv_lines(HEADING, calls_of_invoice(closed)))
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def assert_adds_up(closed: ClosedMonth) -> None:
    """The column `billed` is exactly what the lines of calls say."""
    said = sum(line.amount for line in billed(closed).lines.filter(kind__in=USAGE))
    assert sum(to_micros(row["billed"]) for row in rows_of(closed)) == said


@pytest.mark.usefixtures("desk")
def test_it_adds_up_also_after_corrections(contoso: Organisation, pbx: Source) -> None:
    """Late calls and corrections are in the file of the month that bills them."""
    call(pbx, "a", 10)
    call(pbx, "b", 3, callee="+442079460000")
    call(pbx, "unanswered", 0)
    march = close(contoso)
    names = [row["record_id"] for row in rows_of(march)]
    assert sorted(names) == ["a", "b"]
    assert_adds_up(march)
    call(pbx, "a", 4, told_at=CLOSES)  # a correction of what was billed
    call(pbx, "late", 2, told_at=CLOSES)
    call(pbx, "new", 1, at=TENTH.replace(month=4))
    april = close(contoso, APRIL, NEXT)
    told = [(row["record_id"], row["replaces"]) for row in rows_of(april)]
    assert sorted(told) == [("a", ""), ("a", "revision 1"), ("late", ""), ("new", "")]
    assert_adds_up(april)
    assert sorted(names) == sorted(row["record_id"] for row in rows_of(march))


@pytest.mark.usefixtures("desk")
def test_it_is_downloaded_from_the_invoice(
    client: Client, contoso: Organisation, pbx: Source, charlie: User
) -> None:
    call(pbx, "a", 10)
    invoice = issue_invoice(billed(close(contoso)), at=CLOSES)
    client.force_login(charlie)
    answer = client.get(f"{invoice.get_absolute_url()}calls.csv")
    assert answer["Content-Disposition"] == 'attachment; filename="INV-2026-0001.csv"'
    content = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert content.startswith("\ufeffstarted_at_utc,started_at_local,line,")
    assert "+81312345678" in content
    assert "'+81312345678" not in content


def held_by(lines: Iterator[str]) -> tuple[int, int]:
    """How many lines there were, and the most memory blocks held on the way."""
    count = most = 0
    start = sys.getallocatedblocks()
    for _line in lines:
        count += 1
        if not count % 500:
            most = max(most, sys.getallocatedblocks() - start)
    return count, most


def multiply(closed: ClosedMonth, first: int, last: int) -> None:
    """Calls like the one that is there, under numbers of their own."""
    record = CallRecord.objects.get(source_record_id="a")
    charge = record.charges.get()
    own = {
        "id": {"calling_callrecord": record.pk, "calling_charge": charge.pk},
        "call_record_id": {"calling_charge": record.pk},
    }
    for model, row in ((CallRecord, record), (Charge, charge)):
        table = model._meta.db_table
        columns = [str(field.column) for field in model._meta.concrete_fields]
        made = [f"{own[name][table]} + n" if name in own else name for name in columns]
        made = ["'copy-' || n" if name == "source_record_id" else name for name in made]
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(columns)})"
                f" WITH RECURSIVE many(n) AS (SELECT {first} UNION ALL"
                f" SELECT n + 1 FROM many WHERE n < {last})"
                f" SELECT {', '.join(made)} FROM {table}, many WHERE id = {row.pk}"
            )
    closed.up_to_charge = charge.pk + last


@pytest.mark.usefixtures("desk")
def test_memory_does_not_grow_with_the_calls(
    contoso: Organisation, pbx: Source
) -> None:
    """A hundred thousand calls take what four thousand take."""
    call(pbx, "a", 10)
    closed = close(contoso)
    multiply(closed, 1, FEW)
    few, little = held_by(csv_lines(HEADING, calls_of_invoice(closed)))
    multiply(closed, FEW + 1, MANY)
    many, most = held_by(csv_lines(HEADING, calls_of_invoice(closed)))
    assert (few, many) == (FEW + 3, MANY + 3)  # with the mark, the heading, the first
    assert most - little < (MANY - FEW) / 2  # half a byte a call
