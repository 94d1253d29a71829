"""XLSX: the same rates as the CSV of the same sheet; a bad workbook is one sentence."""

import io
import zipfile
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calling.decks.look import look_at
from calling.decks.record import NO_HINTS, BadDeck, Hints
from tests.calling.decks.reading import facts, read, zipped

NOON = datetime(2026, 12, 1, 12, 30)  # noqa: DTZ001  # a cell has no zone
MARCH = datetime(2026, 3, 12)  # noqa: DTZ001
HEADER = ["Destination", "Country Code", "Area codes", "Rate", "Effective Date"]


def workbook(*rows: list[Any], more: dict[str, list[list[Any]]] | None = None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Rates"
    for row in rows:
        sheet.append(row)
    for name, others in (more or {}).items():
        other = book.create_sheet(name)
        for row in others:
            other.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def sheet_xml(raw: bytes, old: bytes, new: bytes) -> bytes:
    """The workbook with its first sheet's XML changed, as no program would write it."""
    changed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(raw)) as before,
        zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        for member in before.infolist():
            data = before.read(member)
            if member.filename == "xl/worksheets/sheet1.xml":
                assert old in data
                data = data.replace(old, new, 1)
            after.writestr(member.filename, data)
    return changed.getvalue()


def test_a_carrier_s_workbook_reads_like_its_csv() -> None:
    raw = workbook(
        HEADER,
        ["Japan", 81, None, 0.021, date(2026, 12, 1)],
        [],
        ["Japan Mobile", "81", "70,80,90-91", 0.11, NOON],
    )
    text = (
        "Destination,Country Code,Area codes,Rate,Effective Date\n"
        "Japan,81,,0.021,2026-12-01\n\n"
        'Japan Mobile,81,"70,80,90-91",0.11,2026-12-01T12:30:00\n'
    )
    good, bad = read("carrier", raw)
    assert bad == []
    assert (good, bad) == read("carrier", text)
    assert facts(good[0])[:2] == ("81", 21_000)
    assert [rate.line for rate in good] == [2, 4, 4, 4, 4]


def test_its_dates_are_written_as_the_supplier_s_are() -> None:
    hints = Hints(date_format="%d/%m/%Y", charset="gb18030", delimiter=";")
    raw = workbook(HEADER, ["Japan", 81, None, 0.00001, date(2026, 12, 31)])
    (rate,), bad = read("carrier", raw, hints)
    assert bad == []
    assert (rate.rate_per_minute, rate.valid_from) == (
        10,
        datetime.fromisoformat("2026-12-31T00:00:00Z"),
    )


def test_what_a_spreadsheet_made_of_a_prefix_spoils_its_row_alone() -> None:
    raw = workbook(
        HEADER,
        ["Japan", 81, MARCH, 0.02, None],
        ["China", 86, None, 0.03, None],
    )
    good, bad = read("carrier", raw)
    assert [rate.prefix for rate in good] == ["86"]
    assert bad == [
        (2, "area codes 2026-03-12 was changed by a spreadsheet; use text cells.")
    ]


def test_one_sheet_of_several_is_named() -> None:
    rows: list[list[Any]] = [HEADER, ["Japan", 81, None, 0.02, None]]
    raw = workbook(["Notes"], more={"Prices": rows})
    with pytest.raises(BadDeck, match="workbook: Rates, Prices"):
        read("carrier", raw)
    with pytest.raises(BadDeck, match="Name one of the sheets"):
        read("carrier", raw, Hints(plan="Nothing"))
    good, _ = read("carrier", raw, Hints(plan="Prices"))
    assert [rate.prefix for rate in good] == ["81"]


def test_staff_see_its_first_rows() -> None:
    seen = look_at(workbook(HEADER, ["Japan", 81, None, 0.02]), NO_HINTS)
    assert seen is not None
    assert (seen.charset, seen.is_odd) == ("xlsx", False)
    assert seen.rows[1] == ["Japan", "81", "", "0.02"]
    assert look_at(zipped({"Rates.csv": "a"}), NO_HINTS) is None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\xd0\xcf\x11\xe0" + b"\0" * 100, "old workbook (.xls)"),
        (b"PK\x03\x04 and no more", "not a ZIP, or not the whole of it"),
        (zipped({"rates.csv": "a,b"}), "no XLSX workbook"),
        (zipped({"xl/workbook.xml": "<workbook"}), "cannot be read"),
        (zipped({"xl/workbook.xml": "<a/>", "x": "0" * 9_000_000}), "too tightly"),
        (workbook(HEADER)[:-200], "not a ZIP, or not the whole of it"),
        (workbook(), "The file is empty."),
        (
            sheet_xml(
                workbook(HEADER),
                b"<worksheet",
                b'<!DOCTYPE a [<!ENTITY b "c">]><worksheet',
            ),
            "cannot be read",
        ),
        (
            sheet_xml(workbook(HEADER), b'<row r="1"', b'<row r="99999999999"'),
            "more than 1,048,576 rows",
        ),
        (
            sheet_xml(workbook(HEADER), b'<c r="E1"', b'<c r="XFD1"'),
            "more than 200 columns",
        ),
    ],
)
def test_a_bad_workbook_is_one_sentence(raw: bytes, reason: str) -> None:
    with pytest.raises(BadDeck) as refused:
        read("carrier", raw)
    assert reason in str(refused.value)


WHOLE = workbook(HEADER, ["Japan", 81, None, 0.02, None])


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_r10_any_changed_byte_gives_rates_or_a_sentence(place: int, byte: int) -> None:
    raw = WHOLE[:place] + bytes([byte]) + WHOLE[place + 1 :]
    try:
        good, bad = read("carrier", raw)
    except BadDeck:
        return
    assert good or bad
