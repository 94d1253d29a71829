"""Reads what post-paid calls cost that no closed month has billed yet (rule 10.1).

By organisation, destination country and department, in two statements for any number of
organisations; the wallets are locked, so what they owe stands still. A charge's id is
given under its wallet's lock: whatever comes later has a higher one than the highest
that is there now, and no other mark is needed.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Max

from billing.invoicing.draft import DraftLine
from billing.models import LineKind
from calling.models import Charge
from credits.money import Micros


class Billed(NamedTuple):
    """What an organisation has been billed: days before `until`, ids up to `charge`."""

    organisation_id: int
    until: date
    charge: int


class Group(NamedTuple):
    """A destination's calls from one department; '' stands for none."""

    month: str  # of an earlier month's calls; '' for the month that is closed
    country: str
    department: str


class Sums(NamedTuple):
    calls: int
    seconds: int
    amount: Micros


def newest_charge() -> int:
    """The mark up to which a month is billed; read under the wallets' lock."""
    return Charge.objects.aggregate(newest=Max("pk"))["newest"] or 0


def read_usage(
    billed: Collection[Billed], *, month: date, until: date, up_to_charge: int
) -> dict[int, dict[Group, Sums]]:
    """By organisation; a correction adds its charge and takes the old one off."""
    found: dict[int, dict[Group, Sums]] = {}
    if not billed:
        return found
    limits = [month, until, up_to_charge]
    has_corrections = False
    for organisation_id, *key, calls, seconds, amount, corrections in _rows(
        _CHARGED, billed, limits
    ):
        groups = found.setdefault(organisation_id, {})
        _add(groups, key, calls, seconds, amount)
        has_corrections |= bool(corrections)
    if has_corrections:
        for organisation_id, *key, calls, seconds, amount in _rows(
            _REPLACED, billed, limits
        ):
            groups = found.setdefault(organisation_id, {})
            _add(groups, key, -calls, -seconds, -amount)
    return found


def usage_lines(used: Mapping[Group, Sums], month: date) -> Iterator[DraftLine]:
    """This month's calls, then those of earlier months; in the order of the names."""
    named = f"{month:%Y-%m}"
    for group in sorted(used):
        calls, seconds, amount = used[group]
        if not amount:
            continue
        yield DraftLine(
            LineKind.LATE_USAGE if group.month else LineKind.USAGE,
            amount,
            {
                "month": group.month or named,
                "country": group.country,
                "department": group.department,
                "calls": calls,
                "seconds": seconds,
            },
        )


def _add(
    groups: dict[Group, Sums], key: Sequence[str], calls: int, seconds: int, amount: int
) -> None:
    group = Group(*key)
    before = groups.get(group)
    if before is not None:
        calls, seconds = before.calls + calls, before.seconds + seconds
        amount += before.amount
    groups[group] = Sums(calls, seconds, amount)


def _rows(
    sql: str, billed: Collection[Billed], limits: list[Any]
) -> Iterator[tuple[Any, ...]]:
    is_server = connection.vendor == "postgresql"
    mine, month_of = _SERVER if is_server else _FILE
    rows = [[pk, until.isoformat(), charge] for pk, until, charge in billed]
    columns = [list(column) for column in zip(*rows, strict=True)]
    month, *ends = limits
    with connection.cursor() as cursor:
        cursor.execute(
            sql.format(mine=mine, month_of=month_of),
            [month, *(columns if is_server else [json.dumps(rows)]), *ends],
        )
        # Sums of whole numbers are decimals on PostgreSQL.
        for pk, when, country, department, *sums in cursor.fetchall():
            yield (pk, when, country, department, *map(int, sums))


# The organisations with what they were billed, and how the month of a day is written.
_SERVER = (
    """unnest(%s::bigint[], %s::date[], %s::bigint[])
  AS mine (organisation_id, until, charge)""",
    "to_char(told.local_day, 'YYYY-MM')",
)
_FILE = (
    """(SELECT value ->> 0 AS organisation_id, value ->> 1 AS until,
  value ->> 2 AS charge FROM json_each(%s)) AS mine""",
    "strftime('%%Y-%%m', told.local_day)",
)
_GROUPED = """
SELECT mine.organisation_id,
  CASE WHEN told.local_day < %s THEN {month_of} ELSE '' END AS month,
  COALESCE(rate.country, '') AS country, COALESCE(line.department, '') AS department,
"""
_NAMED = """
LEFT JOIN calling_rate AS rate
  ON rate.version_id = told.rate_card_version_id AND rate.prefix = told.prefix
LEFT JOIN calling_line AS line ON line.id = told.line_id
"""
_UNBILLED = """
WHERE {new}.local_day < %s AND {new}.id <= %s
  AND ({new}.local_day >= mine.until OR {new}.id > mine.charge)
"""
_CHARGED = f"""{_GROUPED}
  SUM(CASE WHEN told.postpaid_amount > 0 THEN 1 ELSE 0 END),
  SUM(told.postpaid_seconds), SUM(told.postpaid_amount),
  SUM(CASE WHEN told.revision > 1 THEN 1 ELSE 0 END)
FROM {{mine}}
JOIN calling_charge AS told ON told.organisation_id = mine.organisation_id
{_NAMED}
{_UNBILLED.replace("{new}", "told")}
  AND (told.postpaid_amount > 0 OR told.revision > 1)
GROUP BY 1, 2, 3, 4
"""
# What a correction replaced, told as it was told then.
_REPLACED = f"""{_GROUPED}
  COUNT(*), SUM(told.postpaid_seconds), SUM(told.postpaid_amount)
FROM {{mine}}
JOIN calling_charge AS newer ON newer.organisation_id = mine.organisation_id
JOIN calling_charge AS told ON told.organisation_id = newer.organisation_id
  AND told.call_record_id = newer.call_record_id
  AND told.revision = newer.revision - 1
{_NAMED}
{_UNBILLED.replace("{new}", "newer")}
  AND newer.revision > 1 AND told.postpaid_amount > 0
GROUP BY 1, 2, 3, 4
"""
