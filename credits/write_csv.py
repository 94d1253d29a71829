"""Writes a table as a CSV file that spreadsheets open right and cannot be tricked by.

UTF-8 with a mark, so that Excel in Taiwan reads it; a text that begins like a formula
gets an apostrophe before it, while amounts and telephone numbers pass as they are.
"""

import csv
import gzip
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo
from functools import partial

from django.http import StreamingHttpResponse

MOST_ROWS = 10_000
FORMULA = ("=", "+", "-", "@", "\t", "\r")
TYPED = re.compile(r"-?\d+(\.\d+)?|\+[1-9]\d{3,14}")


class _Echo:
    """A file whose lines are handed on instead of kept."""

    def write(self, line: str) -> str:
        return line


def csv_response(
    name: str, heading: Sequence[str], rows: Iterable[Sequence[object]]
) -> StreamingHttpResponse:
    """The download, written line by line."""
    response = StreamingHttpResponse(
        csv_lines(heading, rows), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def pack_csv(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """The same file, compressed, to be kept."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
        for line in csv_lines(heading, rows):
            file.write(line.encode())
    return packed.getvalue()


def packed_response(name: str, content: bytes) -> StreamingHttpResponse:
    """The download of a file that was kept."""
    file = gzip.GzipFile(fileobj=io.BytesIO(content))
    response = StreamingHttpResponse(
        iter(partial(file.read, 65_536), b""), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def csv_lines(
    heading: Sequence[str], rows: Iterable[Sequence[object]]
) -> Iterator[str]:
    """The lines of the file, its mark first."""
    writer = csv.writer(_Echo())
    yield "\ufeff"
    yield writer.writerow(heading)
    for row in rows:
        yield writer.writerow([safe_cell(str(cell)) for cell in row])


def safe_cell(text: str) -> str:
    if text.startswith(FORMULA) and not TYPED.fullmatch(text):
        return "'" + text
    return text


def utc_cell(at: datetime) -> str:
    """2026-11-22T02:42:00Z"""
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"


def local_cell(at: datetime, zone: tzinfo) -> str:
    """The same moment where the organisation is: 2026-11-22 10:42:00"""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
