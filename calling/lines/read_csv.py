"""Reads a file of lines: the columns that we write ourselves, in any order (rule 1.4).

Pure. Each bad row is told with its line, field and reason; the good ones are kept. A
cell that was written with an apostrophe, so that no spreadsheet runs it, loses it.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from calling.models.lines import LineKind
from calling.save_line import LineEntry
from credits.money import Currency, Micros, amount_text, parse_amount
from credits.write_csv import FORMULA

COLUMNS = (
    "name",
    "kind",
    "identity",
    "usage_country",
    "department",
    "may_spend_credits",
    "monthly_warning",
    "monthly_limit",
    "in_use",
    "numbers",
)
NEEDED = {"name", "identity", "usage_country"}
YES, NO = {"yes", "y", "true", "1", "是"}, {"no", "n", "false", "0", "否"}
MOST_LINES = 10_000
MOST_BYTES = 4_000_000
NUMBER = re.compile(r"\+[1-9]\d{3,14}")


@dataclass(frozen=True)
class LineRow:
    """A good row: the line, and numbers it is to have."""

    line: int
    entry: LineEntry
    numbers: tuple[str, ...]


@dataclass(frozen=True)
class BadRow:
    line: int
    reason: str


@dataclass
class LinesFile:
    rows: list[LineRow] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)


def read_lines_file(raw: bytes, currency: Currency) -> LinesFile:
    """The rows; a file that is no table of lines is a ValidationError."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValidationError(_("The file is not UTF-8 text."), "encoding") from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    missing = NEEDED - set(reader.fieldnames or ())
    if missing:
        raise ValidationError(
            _("The file has no column %(columns)s."),
            "columns",
            {"columns": ", ".join(sorted(missing))},
        )
    found = LinesFile()
    seen: set[str] = set()
    try:
        for row in reader:
            if len(found.rows) + len(found.bad) >= MOST_LINES:
                raise ValidationError(
                    _("The file has more than %(most)s rows."),
                    "too_long",
                    {"most": MOST_LINES},
                )
            _read(row, reader.line_num, currency, found, seen)
    except csv.Error as error:
        raise ValidationError(
            _("Line %(line)s is not CSV."), "csv", {"line": reader.line_num}
        ) from error
    return found


def _read(
    row: Mapping[str | None, object],
    line: int,
    currency: Currency,
    found: LinesFile,
    seen: set[str],
) -> None:
    cells = {name: plain_cell(str(row.get(name) or "")) for name in COLUMNS}
    try:
        entry = _entry(cells, currency)
        numbers = _numbers(cells["numbers"])
    except ValidationError as error:
        found.bad.append(BadRow(line, " ".join(error.messages)))
        return
    if entry.identity.lower() in seen:
        twice = _("identity: %(identity)s stands in the file already.")
        found.bad.append(BadRow(line, twice % {"identity": entry.identity}))
        return
    seen.add(entry.identity.lower())
    found.rows.append(LineRow(line, entry, numbers))


def _entry(cells: Mapping[str, str], currency: Currency) -> LineEntry:
    for name in sorted(NEEDED):
        if not cells[name]:
            raise ValidationError(_("%(column)s: is empty."), "empty", {"column": name})
    kind = cells["kind"] or LineKind.PERSON.value
    if kind not in LineKind.values:
        raise ValidationError(
            _("kind: %(kind)s is none of %(kinds)s."),
            "kind",
            {"kind": kind, "kinds": ", ".join(LineKind.values)},
        )
    return LineEntry(
        name=cells["name"],
        kind=kind,
        identity=cells["identity"],
        usage_country=cells["usage_country"].upper(),
        department=cells["department"],
        may_spend_credits=_yes(cells, "may_spend_credits"),
        is_active=_yes(cells, "in_use"),
        monthly_warning=_amount(cells, "monthly_warning", currency),
        monthly_limit=_amount(cells, "monthly_limit", currency),
    )


def _yes(cells: Mapping[str, str], column: str) -> bool:
    text = cells[column].lower()
    if text in YES or not text:
        return True
    if text in NO:
        return False
    raise ValidationError(
        _("%(column)s: write yes or no."), "yes_or_no", {"column": column}
    )


def _amount(cells: Mapping[str, str], column: str, currency: Currency) -> Micros | None:
    if not cells[column]:
        return None
    try:
        return parse_amount(_without_zeros(cells[column]), currency)
    except ValidationError as error:
        reason = f"{column}: {' '.join(error.messages)}"
        raise ValidationError(reason, "amount") from error


def _without_zeros(text: str) -> str:
    """`200.500000`, as we write amounts, is `200.5`."""
    return text.rstrip("0").rstrip(".") if re.fullmatch(r"\d+\.\d{6}", text) else text


def _numbers(text: str) -> tuple[str, ...]:
    numbers = tuple(text.split())
    for number in numbers:
        if not NUMBER.fullmatch(number):
            raise ValidationError(
                _("numbers: %(number)s is not written like +886223456789."),
                "number",
                {"number": number},
            )
    return numbers


def plain_cell(text: str) -> str:
    """What a cell said before an apostrophe was set before it."""
    text = unicodedata.normalize("NFC", text)
    if text.startswith("'") and text[1:].startswith(FORMULA):
        text = text[1:]
    return text.strip()


def yes_no(*, value: bool) -> str:
    return "yes" if value else "no"


def amount_cell(amount: Micros | None) -> str:
    return "" if amount is None else amount_text(amount)
