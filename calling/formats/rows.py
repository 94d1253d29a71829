"""Reads a separated text file row by row, in constant memory.

A row may go over several lines inside quotation marks. A quotation mark that is never
closed, a line without an end or bytes of another charset cost their own row alone;
reading goes on at the next line.
"""

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from calling.formats.columns import ColumnProfile
from calling.formats.documents import clean_text
from calling.formats.record import RowError

LONGEST_LINE = 64_000  # characters
MOST_LINES = 30  # of one row
DELIMITERS = ",;\t"
_NOT_DECODED = re.compile(r"[\ud800-\udfff]")
_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Line(NamedTuple):
    """A line without its end."""

    number: int
    text: str


class CsvRow(NamedTuple):
    line: int
    cells: list[str]
    body: str


def read_rows(
    pieces: Iterable[bytes], profile: ColumnProfile, delimiter: str = ""
) -> Iterator[CsvRow | RowError]:
    """The rows that are not empty; the first one tells the delimiter."""
    reader = _Rows(_lines(_texts(pieces, profile.codec)))
    reader.delimiter = delimiter
    return reader.read()


def _texts(pieces: Iterable[bytes], codec: str) -> Iterator[str]:
    """The decoded text, each kind of line end as one; a byte order mark is believed."""
    waiting = iter(pieces)
    first = b""
    while len(first) < 2 and (piece := next(waiting, None)) is not None:
        first += piece
    codec = "utf-16" if first.startswith(_BOMS) else codec
    decoder = codecs.getincrementaldecoder(codec)("tollgate.mark")
    newlines = io.IncrementalNewlineDecoder(decoder, translate=True)
    yield newlines.decode(first)
    for piece in waiting:
        yield newlines.decode(piece)
    yield newlines.decode(b"", final=True)


def _lines(texts: Iterable[str]) -> Iterator[Line | RowError]:
    number, rest, is_skipping = 1, "", False
    for text in texts:
        *whole, rest = (rest + text).split("\n")
        for line in whole:
            if not is_skipping:
                yield _line(number, line)
            is_skipping = False
            number += 1
        if len(rest) > LONGEST_LINE:
            if not is_skipping:
                yield _line(number, rest)
            rest, is_skipping = "", True
    if rest and not is_skipping:
        yield _line(number, rest)


def _line(number: int, text: str) -> Line | RowError:
    if len(text) > LONGEST_LINE:
        reason = f"The line is longer than {LONGEST_LINE:,} characters."
        return RowError(number, reason, clean_text(text))
    return Line(number, text)


class _Rows:
    def __init__(self, lines: Iterator[Line | RowError]) -> None:
        self.lines = lines
        self.put_back: deque[Line | RowError] = deque()
        self.delimiter = ""

    def read(self) -> Iterator[CsvRow | RowError]:
        while (line := self._next()) is not None:
            if isinstance(line, RowError):
                yield line
            elif line.text.strip(" \t,;"):
                yield self._row(line)

    def _next(self) -> Line | RowError | None:
        return self.put_back.popleft() if self.put_back else next(self.lines, None)

    def _row(self, first: Line) -> CsvRow | RowError:
        self.delimiter = self.delimiter or max(DELIMITERS, key=first.text.count)
        lines = self._joined(first)
        row = self._parse(lines)
        if isinstance(row, RowError) and len(lines) > 1:
            # The first line has the mark that was never closed; the others may be good.
            self.put_back.extendleft(reversed(lines[1:]))
        return row

    def _joined(self, first: Line) -> list[Line]:
        """The lines of a row: more of them while a quotation mark stands open."""
        lines, quotes = [first], first.text.count('"')
        while quotes % 2 and len(lines) < MOST_LINES:
            line = self._next()
            if line is None:
                break
            if isinstance(line, RowError):
                self.put_back.appendleft(line)
                break
            lines.append(line)
            quotes += line.text.count('"')
        return lines

    def _parse(self, lines: list[Line]) -> CsvRow | RowError:
        number, text = lines[0].number, "\n".join(line.text for line in lines)
        try:
            problem = _problem(text)
            if not problem:
                cells = next(csv.reader([text], delimiter=self.delimiter, strict=True))
                return CsvRow(number, cells, text)
        except csv.Error as error:
            problem = f"The row cannot be read: {error}."
        shown = lines[0].text if len(lines) > 1 else text
        return RowError(number, problem, clean_text(shown))


def _problem(text: str) -> str:
    if text.count('"') % 2:
        return "A quotation mark is not closed."
    if not text.isascii() and _NOT_DECODED.search(text):
        return "The row is not in the charset of the source."
    if "\x00" in text:
        return "The row has a zero character in it."
    return ""
