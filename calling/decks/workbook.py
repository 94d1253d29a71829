"""Reads a sheet of an XLSX workbook as the CSV file it could have been saved as.

Values are taken, not formulas: what a cell showed when the workbook was saved. A cell
that the spreadsheet made a date of is written as one, so that it is refused where a
prefix belongs. Where there are several sheets, the supplier's hints name one.
"""

import csv
import io
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from typing import Any, cast

import openpyxl

from calling.decks.record import BadDeck, Hints
from calling.sent_zip import SIGNATURE, BadZip, SentZip, ZipLimits

LIMITS = ZipLimits(
    most_members=1_000, largest_member=200_000_000, tightest=400, what="a workbook"
)
MOST_ROWS = 1_048_576  # the most a spreadsheet program writes
MOST_COLUMNS = 200
ROWS_AT_ONCE = 500
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
_CONTENTS = "xl/workbook.xml"
_BAD = "This workbook cannot be read; save the sheet as CSV."


def is_zip_or_workbook(raw: bytes) -> bool:
    return raw.startswith((SIGNATURE, _OLD_WORKBOOK))


def workbook_as_csv(raw: bytes, hints: Hints, *, most_rows: int) -> tuple[bytes, Hints]:
    """The sheet's beginning in UTF-8 with commas, and hints that say so."""
    text = "".join(islice(workbook_lines(raw, hints), most_rows))
    return text.encode(), replace(hints, charset="utf-8", delimiter=",")


def workbook_lines(raw: bytes, hints: Hints) -> Iterator[str]:
    """The sheet with commas, row by row.

    Raises BadDeck for what is no workbook, or not one that can be trusted.
    """
    _check(raw)
    write = csv.writer(_Echo(), lineterminator="\n").writerow
    rows = _rows(raw, hints)
    while part := _part(rows):
        for row in part:
            yield cast("str", write(row))


def _part(rows: Iterator[Sequence[str]]) -> list[Sequence[str]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of looks and dates that it does not know
            return list(islice(rows, ROWS_AT_ONCE))
    except BadDeck:
        raise
    except Exception:  # noqa: BLE001  # a made-up workbook makes the library raise any
        raise BadDeck(_BAD) from None


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def _check(raw: bytes) -> None:
    if raw.startswith(_OLD_WORKBOOK):
        raise BadDeck("This is an old workbook (.xls); save it as XLSX or CSV.")
    try:
        archive = SentZip(io.BytesIO(raw), LIMITS)
        if not any(member.filename == _CONTENTS for member in archive.members):
            raise BadDeck("This is a ZIP, and no XLSX workbook; save the sheet as CSV.")
        for member in archive.members:
            archive.check(member)
    except BadZip as problem:
        raise BadDeck(str(problem)) from None


def _rows(raw: bytes, hints: Hints) -> Iterator[Sequence[str]]:
    """A row to a row of the sheet, empty ones too, so that lines keep their numbers."""
    book = openpyxl.load_workbook(
        io.BytesIO(raw), read_only=True, data_only=True, keep_links=False
    )
    sheet = _sheet(book, hints.plan)
    sheet.reset_dimensions()  # what the file says of its size is not believed
    yield from _checked(sheet.iter_rows(values_only=True), hints)


def _sheet(book: Any, named: str) -> Any:
    sheets = {
        sheet.title: sheet
        for sheet in book.worksheets
        if sheet.sheet_state == "visible"
    }
    chosen = [named] if named else list(sheets)
    if len(chosen) != 1 or chosen[0] not in sheets:
        told = ", ".join(list(sheets)[:10]) or "none"
        raise BadDeck(f"Name one of the sheets of this workbook: {told}.")
    return sheets[chosen[0]]


def _checked(rows: Iterable[Sequence[Any]], hints: Hints) -> Iterator[Sequence[str]]:
    for number, row in enumerate(rows, 1):
        if number > MOST_ROWS:
            raise BadDeck(f"The sheet has more than {MOST_ROWS:,} rows.")
        if len(row) > MOST_COLUMNS and any(
            value is not None for value in row[MOST_COLUMNS:]
        ):
            raise BadDeck(f"The sheet has more than {MOST_COLUMNS} columns.")
        yield [_text(value, hints) for value in row[:MOST_COLUMNS]]


def _text(value: Any, hints: Hints) -> str:
    """What the cell shows, as far as it matters."""
    if value is None:
        return ""
    if isinstance(value, float):
        whole = int(value) if value.is_integer() else None
        return str(whole) if whole is not None else f"{Decimal(repr(value)):f}"
    if isinstance(value, datetime):
        if hints.date_format:
            return value.strftime(hints.date_format)
        is_day = value.time() == time()
        return value.date().isoformat() if is_day else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    return " ".join(str(value).split("\n"))
