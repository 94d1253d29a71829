"""The layout that invoices, credit notes, receipts and statements share.

A sheet is filled from top to bottom with facts, parties, tables, totals and notes, and
breaks into pages by itself; a table repeats its heading. Same words, same bytes: the
file carries no moment of its making (`invariant`). Words and amounts come ready made,
in the organisation's language; nothing here knows money.
"""

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.utils.translation import gettext as _
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from billing.documents.typeset import break_lines, draw_text, width_of

WIDTH, HEIGHT = A4
LEFT, RIGHT = 54.0, WIDTH - 54.0
TOP, BOTTOM = HEIGHT - 50.0, 78.0
INK, INK_2, INK_3 = HexColor("#15211e"), HexColor("#46524e"), HexColor("#616c67")
LINE, BRAND, SOFT = HexColor("#e3e0d8"), HexColor("#0b5f55"), HexColor("#faf9f6")
SMALL, TEXT, LARGE, TITLE = 7.5, 9.0, 11.5, 20.0
LEADING = 1.42  # from line to line, of the size
GUTTER = 10.0  # between columns
INSET = 6.0  # of what stands in a table
KEEP = 34.0  # a row that heads others does not stand alone at the foot of a page


@dataclass(frozen=True)
class Column:
    """A column of a table; `share` of the width that is left when all are added."""

    title: str
    share: int = 1
    is_amount: bool = False


@dataclass(frozen=True)
class Row:
    """A row: a text to a column, and a smaller line under the first."""

    cells: Sequence[str]
    note: str = ""
    is_strong: bool = False


@dataclass(frozen=True)
class Party:
    """Who sells or buys: a heading, a name, and lines below it."""

    heading: str
    name: str
    lines: Sequence[str] = ()


@dataclass
class Sheet:
    """One document that is being laid out.

    `title` is the word for what it is, `number` its number; `footer` stands at the foot
    of every page beside the page's number.
    """

    title: str
    number: str
    provider: str
    footer: str = ""
    _pages: list[list[Callable[[Any], None]]] = field(default_factory=list)
    _y: float = 0.0

    def __post_init__(self) -> None:
        self._turn_page()
        self._head()

    # --- what a document is filled with -----------------------------------------------

    def parties(self, seller: Party, buyer: Party) -> None:
        """Who sells and who buys, side by side."""
        top = self._y
        middle = LEFT + (RIGHT - LEFT) / 2
        width = middle - LEFT - GUTTER
        ends = [
            self._party(seller, LEFT, top, width),
            self._party(buyer, middle, top, width),
        ]
        self._y = min(ends) - 14

    def facts(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Up to four in a row, a label above what it says; empty ones are left out."""
        told = [pair for pair in pairs if pair[1]]
        step = (RIGHT - LEFT) / 4
        for start in range(0, len(told), 4):
            self._need(40)
            lowest = self._y
            for place, (label, value) in enumerate(told[start : start + 4]):
                x = LEFT + place * step
                self._text(x, self._y - SMALL, label, size=SMALL, colour=INK_3)
                end = self._lines(x, self._y - 21, value, step - GUTTER)
                lowest = min(lowest, end)
            self._y = lowest - 6
        self._y -= 8

    def heading(self, text: str) -> None:
        """A heading between the parts of a document."""
        self._need(60)
        self._y -= 8
        self._text(LEFT, self._y - LARGE, text, size=LARGE, is_bold=True)
        self._y -= LARGE + 12

    def table(self, columns: Sequence[Column], rows: Iterable[Row]) -> None:
        """A table; its heading stands again on every page that it goes on to."""
        places = _places(columns)
        self._table_head(columns, places)
        for row in rows:
            height = self._row_height(row, places)
            if self._y - height - (KEEP if row.is_strong else 0) < BOTTOM:
                self._turn_page()
                self._table_head(columns, places)
            self._row(row, columns, places, height)
        self._y -= 10

    def totals(self, rows: Sequence[tuple[str, str]]) -> None:
        """Label and amount at the right; the last is the one that counts."""
        self._need(18 * len(rows) + 24)
        start = LEFT + (RIGHT - LEFT) * 0.5
        for place, (label, amount) in enumerate(rows):
            is_last = place == len(rows) - 1
            size = LARGE if is_last else TEXT
            if is_last:
                self._y -= 4
                self._rule(start, RIGHT, self._y, INK, 0.9)
                self._y -= 5
            self._y -= size + 4
            self._text(start, self._y, label, size=size, is_bold=is_last)
            self._right(RIGHT - INSET, self._y, amount, size=size, is_bold=is_last)
            self._y -= 3
        self._y -= 18

    def note(self, text: str, heading: str = "") -> None:
        """A paragraph over the whole width, with a small heading if there is one."""
        if not text:
            return
        lines = break_lines(text, TEXT, RIGHT - LEFT)
        self._need(len(lines) * TEXT * LEADING + 24)
        if heading:
            self._y -= TEXT
            self._text(LEFT, self._y, heading, size=TEXT, is_bold=True)
            self._y -= 4
        self._y -= TEXT
        self._y = self._lines(LEFT, self._y, text, RIGHT - LEFT, colour=INK_2) - 8

    def render(self) -> bytes:
        """The PDF."""
        content = io.BytesIO()
        canvas = Canvas(content, pagesize=A4, invariant=1, pageCompression=1)
        canvas.setTitle(f"{self.title} {self.number}".strip())
        canvas.setAuthor(self.provider)
        for number, page in enumerate(self._pages, start=1):
            for draw in page:
                draw(canvas)
            self._foot(canvas, number)
            canvas.showPage()
        canvas.save()
        return content.getvalue()

    # --- how it gets on the page ------------------------------------------------------

    def _head(self) -> None:
        self._pages[-1].append(partial(_draw_mark, x=LEFT, y=TOP - 22))
        self._text(LEFT + 30, TOP - 16, self.provider, size=LARGE, is_bold=True)
        self._right(RIGHT, TOP - 18, self.title, size=TITLE, is_bold=True, colour=BRAND)
        self._right(RIGHT, TOP - 34, self.number, size=TEXT + 1, colour=INK_2)
        self._rule(LEFT, RIGHT, TOP - 58, BRAND, 1.2)
        self._y = TOP - 78

    def _turn_page(self) -> None:
        self._pages.append([])
        self._y = TOP
        if len(self._pages) > 1:
            self._text(LEFT, TOP - SMALL, self.provider, size=SMALL, colour=INK_3)
            named = f"{self.title} {self.number}".strip()
            self._right(RIGHT, TOP - SMALL, named, size=SMALL, colour=INK_3)
            self._y = TOP - 26

    def _need(self, height: float) -> None:
        if self._y - height < BOTTOM:
            self._turn_page()

    def _party(self, party: Party, x: float, y: float, width: float) -> float:
        self._text(x, y - SMALL, party.heading, size=SMALL, colour=INK_3)
        y -= 22
        for line in break_lines(party.name, LARGE, width, is_bold=True):
            self._text(x, y, line, size=LARGE, is_bold=True)
            y -= LARGE * LEADING
        for told in party.lines:
            if told:
                y = self._lines(x, y, told, width, colour=INK_2)
        return y

    def _table_head(
        self, columns: Sequence[Column], places: Sequence[tuple[float, float]]
    ) -> None:
        self._need(60)
        y = self._y
        self._pages[-1].append(partial(_draw_band, x=LEFT, y=y - 18, height=18))
        for column, (start, width) in zip(columns, places, strict=True):
            if column.is_amount:
                self._right(
                    start + width, y - 12, column.title, size=SMALL, colour=INK_2
                )
            else:
                self._text(start, y - 12, column.title, size=SMALL, colour=INK_2)
        self._y = y - 18

    def _row_height(self, row: Row, places: Sequence[tuple[float, float]]) -> float:
        lines = max(
            len(break_lines(cell, TEXT, width, is_bold=row.is_strong))
            for cell, (_start, width) in zip(row.cells, places, strict=True)
        )
        notes = len(break_lines(row.note, SMALL, places[0][1])) if row.note else 0
        return lines * TEXT * LEADING + notes * SMALL * LEADING + 8

    def _row(
        self,
        row: Row,
        columns: Sequence[Column],
        places: Sequence[tuple[float, float]],
        height: float,
    ) -> None:
        first = self._y - TEXT - 5
        style = {"size": TEXT, "is_bold": row.is_strong}
        for cell, column, (start, width) in zip(
            row.cells, columns, places, strict=True
        ):
            y = first
            for line in break_lines(cell, TEXT, width, is_bold=row.is_strong):
                if column.is_amount:
                    self._right(start + width, y, line, **style)
                else:
                    self._text(start, y, line, **style)
                y -= TEXT * LEADING
            if row.note and start == places[0][0]:
                for line in break_lines(row.note, SMALL, width):
                    self._text(start, y + 1, line, size=SMALL, colour=INK_3)
                    y -= SMALL * LEADING
        self._y -= height
        self._rule(LEFT, RIGHT, self._y, LINE, 0.6)

    def _lines(
        self, x: float, y: float, text: str, width: float, colour: Any = INK
    ) -> float:
        """Draws a text in as many lines as it takes; where the next would stand."""
        for line in break_lines(text, TEXT, width):
            self._text(x, y, line, size=TEXT, colour=colour)
            y -= TEXT * LEADING
        return y

    def _text(self, x: float, y: float, text: str, **style: Any) -> None:
        style.setdefault("colour", INK)
        self._pages[-1].append(partial(draw_text, x=x, y=y, text=text, **style))

    def _right(self, x: float, y: float, text: str, **style: Any) -> None:
        bold = style.get("is_bold", False)
        start = x - width_of(text, style["size"], is_bold=bold)
        self._text(start, y, text, **style)

    def _rule(self, x1: float, x2: float, y: float, colour: Any, width: float) -> None:
        draw = partial(_draw_rule, x1=x1, x2=x2, y=y, colour=colour, width=width)
        self._pages[-1].append(draw)

    def _foot(self, canvas: Any, number: int) -> None:
        _draw_rule(canvas, x1=LEFT, x2=RIGHT, y=58, colour=LINE, width=0.6)
        pages = _("Page %(number)s of %(pages)s") % {
            "number": number,
            "pages": len(self._pages),
        }
        room = RIGHT - LEFT - width_of(pages, SMALL) - GUTTER
        y = 46.0
        for line in break_lines(self.footer, SMALL, room)[:2]:
            draw_text(canvas, LEFT, y, line, size=SMALL, colour=INK_3)
            y -= SMALL * LEADING
        x = RIGHT - width_of(pages, SMALL)
        draw_text(canvas, x, 46.0, pages, size=SMALL, colour=INK_3)


def _places(columns: Sequence[Column]) -> list[tuple[float, float]]:
    """Where each column begins and how wide it is."""
    room = RIGHT - LEFT - GUTTER * (len(columns) - 1) - 2 * INSET
    whole = sum(column.share for column in columns)
    places, x = [], LEFT + INSET
    for column in columns:
        width = room * column.share / whole
        places.append((x, width))
        x += width + GUTTER
    return places


def _draw_rule(
    canvas: Any, *, x1: float, x2: float, y: float, colour: Any, width: float
) -> None:
    canvas.setStrokeColor(colour)
    canvas.setLineWidth(width)
    canvas.line(x1, y, x2, y)


def _draw_band(canvas: Any, *, x: float, y: float, height: float) -> None:
    canvas.setFillColor(SOFT)
    canvas.rect(x, y, RIGHT - x, height, stroke=0, fill=1)
    _draw_rule(canvas, x1=x, x2=RIGHT, y=y, colour=LINE, width=0.6)


def _draw_mark(canvas: Any, *, x: float, y: float) -> None:
    """The two arches of the logo in their field."""
    canvas.setFillColor(BRAND)
    canvas.roundRect(x, y, 22, 22, 6, stroke=0, fill=1)
    canvas.setStrokeColor(HexColor("#ffffff"))
    canvas.setLineWidth(1.6)
    canvas.setLineCap(1)
    for half, foot, rise in ((4.7, 7.5, 7.1), (2.1, 7.5, 3.6)):
        arch = canvas.beginPath()
        arch.moveTo(x + 11 - half, y + foot)
        arch.curveTo(
            x + 11 - half, y + foot + rise * 0.75,
            x + 11 - half * 0.6, y + foot + rise,
            x + 11, y + foot + rise,
        )  # fmt: skip
        arch.curveTo(
            x + 11 + half * 0.6, y + foot + rise,
            x + 11 + half, y + foot + rise * 0.75,
            x + 11 + half, y + foot,
        )  # fmt: skip
        canvas.drawPath(arch, stroke=1, fill=0)
