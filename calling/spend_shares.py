"""Where this month's money went: by destination and by line, against last month.

Only what calls cost beyond the plan counts. Compared are the same days of the month
before, so that the tenth is compared with a tenth.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple, TypeAlias

from django.db.models import Case, F, Q, Sum, Value, When
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Organisation
from calling.models import Charge, Rate
from credits.display import MINUS, date_text, shown_parts
from credits.funds import share_text
from credits.money import Micros

TOP = 4
MONEY = F("rated_amount") - F("pool_amount")
_Table: TypeAlias = dict[str, tuple[Micros, Micros]]  # now, before


@dataclass(frozen=True)
class Span:
    """The days compared: this month so far, and the same days of the one before."""

    first: date
    today: date
    earlier_first: date
    earlier_last: date

    @property
    def month_text(self) -> str:
        return date_text(self.first, "month")

    @property
    def earlier_text(self) -> str:
        """`1–22 Oct`, `10月1–22日`: the days compared with."""
        return _("%(first)d–%(last)d %(month)s") % {
            "first": self.earlier_first.day,
            "last": self.earlier_last.day,
            "month": date_text(self.earlier_first, "month_tick"),
        }


@dataclass(frozen=True)
class Share:
    """One bar; `change` is in percent, None where there was nothing before."""

    name: str
    amount: Micros
    width: str
    change: int | None
    is_rest: bool = False

    @property
    def change_text(self) -> str:
        sign = MINUS if (self.change or 0) < 0 else "+" if self.change else ""
        return f"{sign}{abs(self.change or 0)}%"


@dataclass(frozen=True)
class SpendShares:
    span: Span
    total: Micros
    by_destination: tuple[Share, ...]
    by_line: tuple[Share, ...]

    @property
    def has_earlier(self) -> bool:
        """Whether there is anything to compare with."""
        return any(share.change is not None for share in self.by_destination)


def month_so_far(today: date) -> Span:
    first = today.replace(day=1)
    end_of_earlier = first - timedelta(days=1)
    earlier_first = end_of_earlier.replace(day=1)
    same_day = earlier_first + timedelta(days=today.day - 1)
    return Span(first, today, earlier_first, min(same_day, end_of_earlier))


def read_spend_shares(organisation: Organisation, *, today: date) -> SpendShares:
    """Two statements: the sums, and the names of what was called."""
    span = month_so_far(today)
    sums = _sums(organisation, span)
    names = _destinations(sums)
    by_destination: _Table = defaultdict(lambda: (0, 0))
    by_line: _Table = defaultdict(lambda: (0, 0))
    for row in sums:
        place = names.get((row.version, row.prefix)) or _("Other")
        _add(by_destination, place, row)
        _add(by_line, row.line or _("Without a line"), row)
    return SpendShares(
        span,
        sum(row.now for row in sums),
        _shares(by_destination, _other_destinations, organisation.currency),
        _shares(by_line, _other_lines, organisation.currency),
    )


class _Sum(NamedTuple):
    version: int | None
    prefix: str
    line: str | None
    now: Micros
    before: Micros


def _sums(organisation: Organisation, span: Span) -> list[_Sum]:
    def during(first: date, last: date) -> Sum:
        inside = Q(local_day__gte=first, local_day__lte=last)
        return Sum(Case(When(inside, then=MONEY), default=Value(0)))

    # By start first, since that is what the index of calls is ordered by.
    since = datetime.combine(span.earlier_first, time(), organisation.zone)
    charges = Charge.objects.filter(
        organisation=organisation,
        call_record__organisation=organisation,
        call_record__started_at__gte=since,
        revision=F("call_record__revision"),
    )
    rows = (
        charges.order_by()
        .values("rate_card_version", "prefix", "line__name")
        .annotate(
            now=during(span.first, span.today),
            before=during(span.earlier_first, span.earlier_last),
        )
        .values_list("rate_card_version", "prefix", "line__name", "now", "before")
    )
    return [_Sum(*row) for row in rows]


def _destinations(sums: Iterable[_Sum]) -> dict[tuple[int | None, str], str]:
    rates = Rate.objects.filter(
        version__in={row.version for row in sums if row.version},
        prefix__in={row.prefix for row in sums},
    ).values_list("version", "prefix", "destination")
    return {(version, prefix): name for version, prefix, name in rates}


def _add(table: _Table, name: str, row: _Sum) -> None:
    now, before = table[name]
    table[name] = (now + row.now, before + row.before)


def _shares(
    table: _Table, rest_name: Callable[[int], str], currency: str
) -> tuple[Share, ...]:
    """The four largest, then all others as one; bars are relative to the largest."""
    paid = [_Bar(name, *sums) for name, sums in table.items() if sums[0]]
    paid.sort(key=lambda bar: (-bar.now, bar.name))
    # One other is named like the rest: "1 other" would take the same room.
    top, others = (paid, []) if len(paid) <= TOP + 1 else (paid[:TOP], paid[TOP:])
    bars = list(top)
    if others:
        rest = sum(bar.now for bar in others), sum(bar.before for bar in others)
        bars.append(_Bar(rest_name(len(others)), *rest))
    widest = max((bar.now for bar in bars), default=0)
    amounts = shown_parts([bar.now for bar in bars], currency)
    return tuple(
        Share(
            bar.name,
            amount,
            share_text(bar.now, widest),
            bar.change,
            is_rest=position == len(top),
        )
        for position, (bar, amount) in enumerate(zip(bars, amounts, strict=True))
    )


class _Bar(NamedTuple):
    name: str
    now: Micros
    before: Micros

    @property
    def change(self) -> int | None:
        """To the nearest percent; None where there was nothing before."""
        if self.before <= 0:
            return None
        return (200 * (self.now - self.before) + self.before) // (2 * self.before)


def _other_destinations(count: int) -> str:
    return ngettext(
        "%(count)d other destination", "%(count)d other destinations", count
    ) % {"count": count}


def _other_lines(count: int) -> str:
    return ngettext("%(count)d other line", "%(count)d other lines", count) % {
        "count": count
    }
