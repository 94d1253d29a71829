"""Reads lines with the plans they had licences of, for a whole batch at once."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.db.models import Q, TextField
from django.db.models.functions import Cast, Lower

from calling.models import ExhaustionRule, Line
from credits.bulk import read_rows

_PLAN = "licences__subscription__plan"


class PlanMinutes(NamedTuple):
    """Minutes of one bucket that a line's licence includes.

    From when until when both the licence and its subscription are in force.
    """

    family: str
    bucket: str
    minutes: int
    countries: tuple[str, ...]
    is_pooled: bool
    ends_all: bool
    starts_at: datetime
    ends_at: datetime | None

    def holds(self, at: datetime) -> bool:
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)

    def covers(self, country: str) -> bool:
        return not self.countries or country in self.countries


@dataclass(slots=True)
class LineFacts:
    """What settling needs to know of a line."""

    id: int
    organisation_id: int
    identity: str
    usage_country: str
    may_spend_credits: bool
    monthly_limit: int | None = None  # micros
    plans: list[PlanMinutes] = field(default_factory=list)


class Lines:
    """The lines a batch mentions, by id and by organisation and identity."""

    def __init__(self, lines: Iterable[LineFacts]) -> None:
        self.by_id: dict[int | None, LineFacts] = {}
        self.by_identity: dict[tuple[int, str], LineFacts] = {}
        self.add(lines)

    def add(self, lines: "Iterable[LineFacts] | Lines") -> None:
        """Knows these too."""
        for line in lines.by_id.values() if isinstance(lines, Lines) else lines:
            self.by_id[line.id] = line
            self.by_identity[line.organisation_id, line.identity] = line

    def families_that_end_all(self) -> frozenset[str]:
        """Plan families of which one used-up bucket ends all (rule 7.2)."""
        lines = self.by_id.values()
        return frozenset(
            plan.family for line in lines for plan in line.plans if plan.ends_all
        )

    def find(
        self, organisation_id: int, user: str, line_id: int | None
    ) -> LineFacts | None:
        """The line that the record names, else the one that has the own number."""
        if user:
            named = self.by_identity.get((organisation_id, user.lower()))
            if named is not None:
                return named
        line = self.by_id.get(line_id)
        # The number of another organisation never brings in its line.
        if line is not None and line.organisation_id == organisation_id:
            return line
        return None


def read_lines(
    organisation_ids: Collection[int], identities: Collection[str], ids: Collection[int]
) -> Lines:
    """The lines of these ids, or of these organisations and identities; one query."""
    wanted = Q(pk__among=set(ids))
    if identities:
        names = {name.lower() for name in identities}
        wanted |= Q(organisation__among=set(organisation_ids), lower__among=names)
    # As text, which is the same for many lines: JSON would be read for each.
    countries = Cast(f"{_PLAN}__countries", TextField())
    rows = Line.objects.annotate(lower=Lower("identity"), countries=countries)
    rows = rows.filter(wanted)
    columns = (
        "pk",
        "organisation_id",
        "lower",
        "usage_country",
        "may_spend_credits",
        "monthly_limit",
        f"{_PLAN}__buckets__bucket",
        f"{_PLAN}__buckets__minutes",
        f"{_PLAN}__family",
        "countries",
        f"{_PLAN}__is_pooled",
        f"{_PLAN}__exhaustion_rule",
        "licences__assigned_at",
        "licences__subscription__starts_at",
        "licences__released_at",
        "licences__subscription__ends_at",
    )
    lines: dict[int, LineFacts] = {}
    for row in read_rows(rows.order_by("pk").values_list(*columns)):
        line = lines.get(row[0])
        if line is None:
            line = lines[row[0]] = LineFacts(*row[:6])
        if row[6] is not None:
            line.plans.append(_plan(row[6:]))
    return Lines(lines.values())


def _plan(row: Sequence[Any]) -> PlanMinutes:
    bucket, minutes, family, countries, is_pooled, rule, *times = row
    assigned_at, starts_at, released_at, ends_at = times
    return PlanMinutes(
        family,
        bucket,
        minutes,
        _countries(countries),
        is_pooled,
        rule == ExhaustionRule.ANY_EXHAUSTS_ALL,
        max(assigned_at, starts_at),
        min(released_at, ends_at)
        if released_at and ends_at
        else released_at or ends_at,
    )


@lru_cache(maxsize=1000)
def _countries(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))
