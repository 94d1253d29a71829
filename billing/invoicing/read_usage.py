"""Reads what post-paid calls cost that no closed month has billed yet (rule 10.1).

By organisation, destination country and department, in two statements for any number of
organisations; the wallets are locked, so what they owe stands still. A charge's id is
given under its wallet's lock: whatever comes later has a higher one than the highest
that is there now, and no other mark is needed.

Charges are added up by line and prefix first, and named afterwards: a million charges
are of some ten thousand lines, and looking up each charge's rate and line would take as
long as adding it up.
"""

import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Max

from billing.invoicing.draft import DraftLine
from billing.models import LineKind
from calling.models import Charge
from credits.money import Micros

MANY = 1000  # organisations
MEMORY = "64MB"


class Billed(NamedTuple):
    """What an organisation has been billed: days before `until`, ids up to `charge`."""

    organisation_id: int
    until: date
    charge: int


class Usage(NamedTuple):
    """A destination's calls from one department; '' stands for none."""

    month: str  # of an earlier month's calls; '' for the month that is closed
    country: str
    department: str
    calls: int
    seconds: int
    amount: Micros


Rows = Iterable[tuple[Any, ...]]


def newest_charge() -> int:
    """The mark up to which a month is billed; read under the wallets' lock."""
    return Charge.objects.aggregate(newest=Max("pk"))["newest"] or 0


def read_usage(
    billed: Collection[Billed], *, month: date, until: date, up_to_charge: int
) -> dict[int, list[Usage]]:
    """By organisation; a correction adds its charge and takes the old one off."""
    found: dict[int, list[Usage]] = {}
    limits = [month, until, up_to_charge]
    with _memory_for(len(billed)):
        for some, source in _sources(billed):
            wanted = {one.organisation_id for one in some}
            has_corrections = False
            for pk, newest, *usage in _rows(_CHARGED, source, limits):
                if pk in wanted:
                    found.setdefault(pk, []).append(Usage._make(usage))
                    has_corrections |= newest > 1
            if has_corrections:
                for pk, _newest, *usage in _rows(_REPLACED, source, limits):
                    if pk in wanted:
                        _take_off(found.setdefault(pk, []), Usage._make(usage))
    return found


def usage_lines(used: Iterable[Usage], month: date) -> Iterator[DraftLine]:
    """This month's calls, then those of earlier months; in the order of the names."""
    named = f"{month:%Y-%m}"
    for late, country, department, calls, seconds, amount in sorted(used):
        if amount:
            facts = (  # written here: thousands are made
                f'{{"month": "{late or named}", "country": {_json(country)}, '
                f'"department": {_json(department)}, '
                f'"calls": {calls}, "seconds": {seconds}}}'
            )
            kind = LineKind.LATE_USAGE if late else LineKind.USAGE
            yield DraftLine(kind, amount, facts)


@lru_cache(maxsize=10_000)
def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _take_off(mine: list[Usage], less: Usage) -> None:
    sums = [-less.calls, -less.seconds, -less.amount]
    for place, one in enumerate(mine):
        if one[:3] == less[:3]:
            sums = [a + b for a, b in zip(one[3:], sums, strict=True)]
            del mine[place]
            break
    mine.append(Usage(*less[:3], *sums))


class Source(NamedTuple):
    """Charges that were not billed, of some organisations: SQL with its values."""

    sql: str
    values: list[Any]


def _sources(
    billed: Collection[Billed],
) -> Iterator[tuple[Collection[Billed], Source]]:
    """All who were billed equally far in one, if they are many; the others in one.

    The neighbours of many are read along and left out afterwards: looking up whose
    each charge is would take longer than adding it up.
    """
    alike: dict[tuple[date, int], list[Billed]] = {}
    for one in billed:
        alike.setdefault((one.until, one.charge), []).append(one)
    most = max(alike.values(), key=len, default=[])
    if len(most) >= MANY:
        until, charge = most[0].until, most[0].charge
        del alike[until, charge]
        ids = [one.organisation_id for one in most]
        yield most, Source(_ALIKE, [min(ids), max(ids), until, charge])
    if others := [one for some in alike.values() for one in some]:
        yield others, _each(others)


def _each(billed: Collection[Billed]) -> Source:
    rows = [(pk, until.isoformat(), charge) for pk, until, charge in billed]
    if connection.vendor == "postgresql":
        columns = [list(column) for column in zip(*rows, strict=True)]
        return Source(_EACH.format(mine=_ARRAYS), columns)
    return Source(_EACH.format(mine=_JSON), [json.dumps(rows)])


def _rows(sql: str, source: Source, limits: list[Any]) -> Rows:
    month, *ends = limits
    statement = sql.format(month_of=_MONTH_OF[connection.vendor], unbilled=source.sql)
    with connection.cursor() as cursor:
        cursor.execute(statement, [month, *source.values, *ends])
        found: Rows = cursor.fetchall()
    return found


@contextmanager
def _memory_for(organisations: int) -> Iterator[None]:
    """What does not fit into a statement's memory is sorted on disk: twice as long."""
    if connection.vendor != "postgresql" or organisations < MANY:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('work_mem', %s, true)", [MEMORY])
        yield


_MONTH_OF = {
    "postgresql": "to_char(told.local_day, 'YYYY-MM')",
    "sqlite": "strftime('%%Y-%%m', told.local_day)",
}
_ALIKE = """(
  SELECT * FROM calling_charge
  WHERE organisation_id BETWEEN %s AND %s AND (local_day >= %s OR id > %s)
)"""
_EACH = """(
  SELECT charge.* FROM {mine} JOIN calling_charge AS charge
    ON charge.organisation_id = mine.organisation_id
    AND (charge.local_day >= mine.until OR charge.id > mine.charge)
)"""
_ARRAYS = """unnest(%s::bigint[], %s::date[], %s::bigint[])
    AS mine (organisation_id, until, charge)"""
_JSON = """(SELECT value ->> 0 AS organisation_id, value ->> 1 AS until,
    value ->> 2 AS charge FROM json_each(%s)) AS mine"""
# Sums of whole numbers are cast to whole numbers: on PostgreSQL they would be decimals.
_SUMS = """
SELECT summed.organisation_id, MAX(summed.revision), summed.month,
  COALESCE(rate.country, ''), COALESCE(line.department, ''),
  CAST(SUM(summed.calls) AS bigint), CAST(SUM(summed.seconds) AS bigint),
  CAST(SUM(summed.amount) AS bigint)
FROM (
  SELECT told.organisation_id,
    CASE WHEN told.local_day < %s THEN {{month_of}} ELSE '' END AS month,
    told.line_id, told.rate_card_version_id, told.prefix,
    MAX(told.revision) AS revision,
    COUNT(*) FILTER (WHERE told.postpaid_amount > 0) AS calls,
    SUM(told.postpaid_seconds) AS seconds,
    CAST(SUM(told.postpaid_amount) AS bigint) AS amount
  FROM {{unbilled}} {charges}
  GROUP BY 1, 2, 3, 4, 5
) AS summed
LEFT JOIN calling_rate AS rate
  ON rate.version_id = summed.rate_card_version_id AND rate.prefix = summed.prefix
LEFT JOIN calling_line AS line ON line.id = summed.line_id
GROUP BY 1, 3, 4, 5
"""
_CHARGED = _SUMS.format(
    charges="""AS told
  WHERE told.local_day < %s AND told.id <= %s
    AND (told.postpaid_amount > 0 OR told.revision > 1)"""
)
# What a correction replaced, told as it was told then.
_REPLACED = _SUMS.format(
    charges="""AS newer
  JOIN calling_charge AS told ON told.organisation_id = newer.organisation_id
    AND told.call_record_id = newer.call_record_id
    AND told.revision = newer.revision - 1
  WHERE newer.local_day < %s AND newer.id <= %s
    AND newer.revision > 1 AND told.postpaid_amount > 0"""
)
