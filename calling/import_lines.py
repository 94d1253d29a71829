"""A file of lines is taken in: new ones are added, known ones changed (rule 1.4).

A line is known by its identity, so the same file again changes nothing. Numbers in the
file are given; those that are not in it stay. One transaction: a row that is refused is
told and the others stand. Locks the wallet.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Organisation, User
from accounts.refusals import TollgateError
from calling.lines.read_csv import BadRow, LineRow, read_lines_file
from calling.models import Line, NumberAssignment
from calling.number_history import give_number
from calling.save_line import add_line, change_line, entry_of
from credits.lock import lock_wallet
from credits.money import currency_of


@dataclass
class ImportedLines:
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    numbers: int = 0
    rejected: list[BadRow] = field(default_factory=list)


def import_lines(
    organisation: Organisation,
    raw: bytes,
    *,
    at: datetime,
    actor: User | None = None,
    ip: str | None = None,
) -> ImportedLines:
    """What became of the rows; the reasons are in the reader's language."""
    file = read_lines_file(raw, currency_of(organisation.currency))
    done = ImportedLines(rejected=list(file.bad))
    with transaction.atomic():
        lock_wallet(organisation.pk)
        known = {
            line.identity.lower(): line
            for line in Line.objects.filter(organisation=organisation)
        }
        for line in known.values():
            line.organisation = organisation
        open_numbers = NumberAssignment.objects.filter(
            organisation=organisation, ends_at=None, line__isnull=False
        )
        theirs = dict(open_numbers.values_list("number", "line_id"))
        for row in file.rows:
            try:
                with transaction.atomic():
                    counts = _take(organisation, row, known, theirs, (at, actor, ip))
            except (TollgateError, ValidationError) as error:
                done.rejected.append(BadRow(row.line, _reason(error)))
                continue
            done.new += counts[0]
            done.changed += counts[1]
            done.unchanged += not (counts[0] or counts[1])
            done.numbers += counts[2]
    done.rejected.sort(key=lambda bad: bad.line)
    return done


def _take(
    organisation: Organisation,
    row: LineRow,
    known: dict[str, Line],
    theirs: Mapping[str, int | None],
    who: tuple[datetime, User | None, str | None],
) -> tuple[bool, bool, int]:
    """Whether the line is new or changed, and how many numbers it got."""
    at, actor, ip = who
    line = known.get(row.entry.identity.lower())
    is_new = line is None
    is_changed = line is not None and entry_of(line) != row.entry
    if line is None:
        line = add_line(organisation, row.entry, at=at, actor=actor, ip=ip)
    else:
        line = change_line(line, row.entry, at=at, actor=actor, ip=ip)
    given = 0
    for number in row.numbers:
        if theirs.get(number) != line.pk:
            give_number(organisation, number, to=line, at=at, actor=actor, ip=ip)
            given += 1
    return is_new, is_changed, given


def _reason(error: TollgateError | ValidationError) -> str:
    if isinstance(error, TollgateError):
        return str(error)
    if hasattr(error, "error_dict"):
        told = [
            (name, message)
            for name, errors in error.error_dict.items()
            for some in errors
            for message in some.messages
        ]
        return " ".join(
            message if name == "__all__" else f"{name}: {message}"
            for name, message in told
        )
    return " ".join(error.messages)
