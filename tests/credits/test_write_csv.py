"""A table a spreadsheet opens right and cannot be tricked by."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from credits.write_csv import csv_response, local_cell, safe_cell, utc_cell


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\tx", "\rx"])
def test_a_text_that_begins_like_a_formula_becomes_a_text(text: str) -> None:
    assert safe_cell(text) == "'" + text


@pytest.mark.parametrize(
    "text", ["-12.50", "-0.000001", "+442079460000", "12", "a=1", "", "陳怡婷"]
)
def test_amounts_numbers_and_plain_texts_survive_a_round_trip(text: str) -> None:
    assert safe_cell(text) == text


@pytest.mark.parametrize("text", ["-12.5.1", "+44 20 7946", "-1e9", "+0123", "-"])
def test_what_only_looks_like_one_is_a_text(text: str) -> None:
    assert safe_cell(text) == "'" + text


def test_moments_are_written_twice() -> None:
    at = datetime(2026, 11, 22, 18, 42, tzinfo=UTC)
    assert utc_cell(at) == "2026-11-22T18:42:00Z"
    assert local_cell(at, ZoneInfo("Asia/Taipei")) == "2026-11-23 02:42:00"


def test_the_file_is_marked_quoted_and_named() -> None:
    answer = csv_response("calls.csv", ["a", "b"], [["x,y", 'say "no"'], [1, "=2"]])
    content = b"".join(answer).decode("utf-8")
    assert content == '\ufeffa,b\r\n"x,y","say ""no"""\r\n1,\'=2\r\n'
    assert answer["Content-Disposition"] == 'attachment; filename="calls.csv"'
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
