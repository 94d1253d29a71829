"""A file of any size is read in the same memory, and says how far it is."""

import tracemalloc
from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from calling import import_calls as importing
from calling.formats.record import CallRecordIn, Profile
from calling.formats.registry import parse_stream
from calling.import_calls import CallFile, import_calls
from calling.management.commands.import_calls import Command
from calling.models import RejectedRow, Source
from calling.progress_bar import Bar, pieces_with_bar
from tests.calling.telephony import LATER

MEGABYTE = 1024 * 1024
HEADER = b"source_record_id,direction,from,to,answered_at,ended_at,billable_s\n"
ROW = (
    b"r%07d,outbound,+886223456789,+81312345678,"
    b"2026-03-10T02:00:06Z,2026-03-10T02:02:09Z,123\n"
)
JSON = (
    b'{"source_record_id":"r%07d","direction":"outbound","from":"+886223456789",'
    b'"to":"+81312345678","answered_at":"2026-03-10T02:00:06Z",'
    b'"ended_at":"2026-03-10T02:02:09Z"}\n'
)


def pieces_of(row: bytes, count: int, header: bytes = b"") -> Iterator[bytes]:
    """So many quarters of a megabyte in rows, made as they are asked for."""
    yield header
    in_piece = MEGABYTE // 4 // len(row % 0)
    for piece in range(count):
        first = piece * in_piece
        yield b"".join(row % number for number in range(first, first + in_piece))


def peak_of(name: str, pieces: Iterator[bytes], profile: Profile) -> tuple[int, int]:
    """How many records were read, and the most memory it took."""
    tracemalloc.start()
    try:
        count = sum(
            isinstance(row, CallRecordIn) for row in parse_stream(name, pieces, profile)
        )
        return count, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("name", "row", "header"),
    [("generic-csv", ROW, HEADER), ("generic-json", JSON, b"")],
    ids=["csv", "json"],
)
def test_three_times_the_file_takes_no_more_memory(
    name: str, row: bytes, header: bytes
) -> None:
    profile = Profile("pbx", home_country="TW")
    small, little = peak_of(name, pieces_of(row, 3, header), profile)
    large, much = peak_of(name, pieces_of(row, 9, header), profile)
    assert large == 3 * small
    assert much < little + MEGABYTE // 8
    assert much < 4 * MEGABYTE


def test_a_file_of_nothing_but_bad_rows_names_some_and_counts_all(
    pbx: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "MOST_REASONS", 3)
    rows = b"".join(b"x%d,sideways,,,,\n" % number for number in range(10))
    file = CallFile([HEADER, rows], "generic-csv", Profile.of(pbx), "bad.csv")
    result = import_calls(file, pbx, now=lambda: LATER, batch=4)
    assert (result.rejected, len(result.reasons)) == (10, 3)
    assert RejectedRow.objects.count() == 10
    command = Command(stdout=StringIO(), stderr=StringIO())
    with pytest.raises(SystemExit):
        command._report(result, Path("bad.csv"), as_json=False)
    assert "rejected 10" in _text(command.stdout)
    assert "7 more rows are in the quarantine." in _text(command.stderr)


def _text(stream: Any) -> str:
    return str(stream.getvalue())


class Screen(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_how_far_it_is_and_a_file_does_not() -> None:
    screen, quiet = Screen(), StringIO()
    data = b"x" * 1000
    with patch("calling.progress_bar.PIECE", 100):
        assert b"".join(pieces_with_bar(BytesIO(data), 1000, screen)) == data
        assert b"".join(pieces_with_bar(BytesIO(data), 1000, quiet)) == data
    assert "\r████░" in screen.getvalue()
    assert screen.getvalue().endswith(" 100 %\n")
    assert quiet.getvalue() == ""


def test_a_bar_is_never_more_than_full_and_writes_only_what_changes() -> None:
    screen = Screen()
    bar = Bar(screen, 0)
    for done in (1, 5, 9):
        bar.show(done)
    bar.end()
    assert screen.getvalue().count("100 %") == 1
