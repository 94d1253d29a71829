"""The parts of a comparison: sides, pages of them, and what one thing came to.

A side is what Stripe has or what we have, of one sort. It is gone through page by page;
each thing of it is compared, and adds its amounts to the totals of the run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import StaffTask
from billing.models import TotalKind
from credits.money import Micros

PAGE = 20  # even if all of them differ, a page takes less than a job may


@dataclass(frozen=True)
class Window:
    """What is compared: since a moment, and of our rows only those before another."""

    since: datetime
    until: datetime


@dataclass(frozen=True)
class Page:
    """Some things of one side, each under its name, and the name to go on after."""

    things: Sequence[tuple[str, Any]]
    last: str


@dataclass(frozen=True)
class Sum:
    """What one thing adds to a total: exact micros of a currency, on either side."""

    kind: TotalKind
    currency: str
    ours: Micros = 0
    theirs: Micros = 0


@dataclass(frozen=True)
class Compared:
    """Whether the two sides differed, and what the thing comes to now."""

    differs: bool
    sums: tuple[Sum, ...] = ()


@dataclass(frozen=True)
class Side:
    """A page of it, and the comparison of one thing; `ours` where that cannot be made.

    `ours` asks nobody: it is what our row alone adds.
    """

    name: str
    page: Callable[[Window, str], Page]
    compare: Callable[[Any, datetime], Compared]
    ours: Callable[[Any], tuple[Sum, ...]] = lambda _thing: ()


def full_page(things: list[tuple[str, Any]]) -> Page:
    """A full one may be followed by another."""
    return Page(things, things[-1][0] if len(things) == PAGE else "")


def is_decided(reference: str) -> bool:
    """Whether staff have decided about a thing that only Stripe knows."""
    return StaffTask.objects.filter(reference=reference).exclude(done_at=None).exists()
