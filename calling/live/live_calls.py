"""Calls in progress, and calls that were not let through, as the page shows them.

Plain reads: open holds with what they set aside (rule 9.4), and the denied calls of the
last days, each with its reason and what helps, in words (rule 9.2).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.functional import Promise

from accounts.models import Organisation
from calling.authorise.codes import DENIALS
from calling.models import CallKind, DeniedCall, Line
from credits.models import Hold
from credits.money import Micros

MOST_ROWS = 100
DENIED_FOR = timedelta(days=7)


@dataclass(frozen=True)
class LiveCall:
    """One call that may go on until `until`, and what it holds."""

    line: str
    caller: str
    callee: str
    kind: str
    since: datetime
    until: datetime
    amount: Micros
    pool_seconds: int


@dataclass(frozen=True)
class Denied:
    """One call that was not let through; without a remedy for a code of old."""

    line: str
    caller: str
    callee: str
    asked_at: datetime
    reason: str | Promise
    remedy: str | Promise


@dataclass(frozen=True)
class LivePage:
    """The newest of both; `live` and `held` are of all calls in progress."""

    live: int
    held: Micros
    calls: list[LiveCall]
    denied: list[Denied]

    @property
    def is_cut(self) -> bool:
        return self.live > len(self.calls)


def read_live_page(organisation: Organisation, *, at: datetime) -> LivePage:
    """Four statements, whatever the number of calls."""
    wallet = organisation.wallet
    mine = Hold.objects.still_open().filter(organisation=organisation)
    holds = list(mine.order_by("-opened_at")[:MOST_ROWS])
    past = DeniedCall.objects.filter(
        organisation=organisation, asked_at__gt=at - DENIED_FOR
    )
    denied = list(past.order_by("-asked_at", "-pk")[:MOST_ROWS])
    lines = _names([*holds, *denied])
    return LivePage(
        wallet.live_calls,
        wallet.reserved,
        [_live(hold, lines) for hold in holds],
        [_denied(one, lines) for one in denied],
    )


def _names(rows: Iterable[Hold | DeniedCall]) -> dict[int, str]:
    ids = {row.line_id for row in rows if row.line_id is not None}
    found = Line.objects.filter(pk__among=ids)
    return dict(found.values_list("pk", "name"))


def _live(hold: Hold, lines: dict[int, str]) -> LiveCall:
    return LiveCall(
        line=lines.get(hold.line_id or 0, ""),
        caller=hold.caller,
        callee=hold.callee,
        kind=_kind_name(hold.kind),
        since=hold.opened_at,
        until=hold.opened_at + timedelta(seconds=hold.granted_seconds),
        amount=hold.amount,
        pool_seconds=hold.pool_seconds,
    )


def _denied(one: DeniedCall, lines: dict[int, str]) -> Denied:
    known = DENIALS.get(one.code)
    return Denied(
        line=lines.get(one.line_id or 0, ""),
        caller=one.caller,
        callee=one.callee,
        asked_at=one.asked_at,
        reason=known.sentence if known else one.code,
        remedy=known.remedy if known else "",
    )


def _kind_name(kind: str) -> str:
    return str(CallKind(kind).label) if kind in CallKind.values else kind
