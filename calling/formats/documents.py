"""Finds JSON documents in a stream: one to a line, one after another, or an array.

Also the rows of pages, objects that hold their rows in an array of a known name.
Memory stays bounded however long the file: text is decoded in pieces and forgotten once
read. A malformed document costs itself alone; reading goes on at the next one.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, NoReturn, TypeAlias

from calling.formats.record import (
    BadRow,
    CallRecordIn,
    Fields,
    Profile,
    RowError,
    SkippedLeg,
)

Row: TypeAlias = CallRecordIn | RowError | SkippedLeg
Rows: TypeAlias = Iterator[Row]
Read: TypeAlias = Callable[[Fields, str, Profile], CallRecordIn | None]

LONGEST_DOCUMENT = 1_000_000  # characters
PAGE_HEAD = 4_096  # characters before the rows of a page, at most
_GAP = re.compile(r"[\s,\ufeff]*")
_NEXT = re.compile(r"\n\s*(?=\{)")
_NOT_UTF8 = re.compile(r"[\ud800-\udfff]")
_MEMBER = r'"[^"\\]*"\s*:\s*(?:"(?:[^"\\]|\\.)*"|[\w.+-]+)'
_PAGE_END = re.compile(rf"\s*(?:,\s*{_MEMBER}\s*)*\}}")


class Document(NamedTuple):
    line: int
    text: str
    value: Any


def refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def page_of(rows: str) -> re.Pattern[str]:
    """How a page begins that holds its rows under this name, after plain values."""
    return re.compile(rf'\{{\s*(?:{_MEMBER}\s*,\s*)*"{rows}"\s*:\s*\[')


def parse_documents(
    pieces: Iterable[bytes],
    decoder: json.JSONDecoder,
    read: Read,
    profile: Profile,
    page: re.Pattern[str] | None = None,
) -> Rows:
    """The records of a byte stream; `read` makes one of a document, None to skip it."""
    for found in _Reader(pieces, decoder, page).read():
        yield found if isinstance(found, RowError) else _row(found, read, profile)


def _row(document: Document, read: Read, profile: Profile) -> Row:
    try:
        record = read(document.value, document.text, profile)
    except BadRow as problem:
        return RowError(document.line, str(problem), document.text[:2000])
    if record is None:
        return SkippedLeg(document.line)
    record.line = document.line
    return record


class _Reader:
    def __init__(
        self,
        pieces: Iterable[bytes],
        decoder: json.JSONDecoder,
        page: re.Pattern[str] | None,
    ) -> None:
        self.page = page
        self.pieces = iter(pieces)
        self.decode = decoder.raw_decode
        # Bytes that are no UTF-8 become lone surrogates: only their row is refused.
        self.characters = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self.text = ""
        self.at = 0
        self.line = 1
        self.in_array = False
        self.in_page = False
        self.ended = False

    def read(self) -> Iterator[Document | RowError]:
        self._more()
        self._skip_gap()
        if self.text.startswith("[", self.at):
            self.in_array = True
            self.at += 1
        while self._stands_before_document():
            found = self._next()
            if found is not None:
                yield found

    def _stands_before_document(self) -> bool:
        self._find_text()
        while self._leaves_rows() or self._enters_page():
            self._find_text()
        return self.at < len(self.text)

    def _find_text(self) -> None:
        self._skip_gap()
        while self.at >= len(self.text) and not self.ended:
            self._more()
            self._skip_gap()

    def _leaves_rows(self) -> bool:
        """Steps over the end of the array, and of the page that it belongs to."""
        if not self.text.startswith("]", self.at):
            return False
        if self.in_page:
            self.in_page = False
            self._have(PAGE_HEAD)
            end = _PAGE_END.match(self.text, self.at + 1)
            self._consume(end.end() if end else self.at + 1)
            return True
        if self.in_array:
            self.in_array = False
            self.at += 1
            return True
        return False

    def _enters_page(self) -> bool:
        if self.page is None or self.in_page:
            return False
        self._have(PAGE_HEAD)
        head = self.page.match(self.text, self.at)
        if head is None:
            return False
        self.in_page = True
        self._consume(head.end())
        return True

    def _have(self, characters: int) -> None:
        while len(self.text) - self.at < characters and not self.ended:
            self._more()

    def _next(self) -> Document | RowError | None:
        try:
            value, end = self.decode(self.text, self.at)
        except json.JSONDecodeError as error:
            if not self.ended and _may_be_cut(error, self.text):
                return self._read_on()
            return self._error(f"This is not JSON: {error.msg.lower()}.")
        except (ValueError, RecursionError) as error:
            return self._error(f"This is not JSON: {error}.")
        found = Document(self.line, self.text[self.at : end], value)
        self._consume(end)
        problem = _problem(found)
        if problem:
            return RowError(found.line, problem, clean_text(found.text))
        return found

    def _read_on(self) -> RowError | None:
        if len(self.text) - self.at > LONGEST_DOCUMENT:
            return self._error(
                f"The record is longer than {LONGEST_DOCUMENT:,} characters."
            )
        self._more()
        return None

    def _error(self, reason: str) -> RowError:
        """Names the row and goes on where the next document seems to begin."""
        found = _NEXT.search(self.text, self.at + 1)
        end = found.start() if found else len(self.text)
        row = RowError(self.line, reason, clean_text(self.text[self.at : end]))
        self._consume(self.at + 1)
        while found is None and not self.ended:
            # What follows is skipped unkept, but for a line's end at the piece's end.
            self._consume(max(self.at, len(self.text.rstrip())))
            self._more()
            found = _NEXT.search(self.text, self.at)
        self._consume(found.end() if found else len(self.text))
        return row

    def _skip_gap(self) -> None:
        gap = _GAP.match(self.text, self.at)
        if gap is not None and gap.end() > self.at:
            self._consume(gap.end())

    def _consume(self, end: int) -> None:
        self.line += self.text.count("\n", self.at, end)
        self.at = end

    def _more(self) -> None:
        piece = next(self.pieces, None)
        self.ended = piece is None
        self.text = self.text[self.at :] + self.characters.decode(
            piece or b"", final=piece is None
        )
        self.at = 0


def _problem(document: Document) -> str:
    if not isinstance(document.value, dict):
        return "This is not a JSON object."
    if not document.text.isascii() and _NOT_UTF8.search(document.text):
        return "The text is not UTF-8."
    if "\\u0000" in document.text:
        return "The text has a zero character in it."
    return ""


def _may_be_cut(error: json.JSONDecodeError, text: str) -> bool:
    """Whether more text might make it whole."""
    return error.msg.startswith("Unterminated") or error.pos > len(text) - 12


def clean_text(text: str) -> str:
    """What is kept of a rejected row: printable, and not without end."""
    readable = text[:2000].encode("utf-8", "backslashreplace").decode()
    return readable.replace("\x00", "\\x00")
