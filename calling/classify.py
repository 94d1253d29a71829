"""Decides a call's kind and price from facts already read (rules 6.1 to 6.4, 12).

Pure but for the rate tables in memory. Settlement, quote and (later) authorisation ask
the same two functions. What cannot be decided waits, with its reason; never a guess.
"""

from copy import copy
from datetime import datetime, timedelta

from calling.call import Call
from calling.call_areas import NO_AREAS, CallAreas
from calling.cards import Cards
from calling.kinds import (
    CALLING,
    INTERNATIONAL,
    ON_NET,
    kind_by_number,
    kind_by_route,
    purpose_of,
)
from calling.line_facts import Lines
from calling.models import NumberType, WaitingReason
from calling.models.calls import FREE_KINDS
from calling.modes import Modes
from calling.number_class import class_of
from calling.owner import Owner
from calling.phone_numbers import is_toll_free
from calling.rate import RatedCall, RateView, rate_call
from calling.rate_table import RateTable
from calling.terms import TermsBook

LONGEST_CALL = 86_400
CLOCK_TOLERANCE = timedelta(minutes=10)
TOLLFREE = NumberType.TOLLFREE.value
FREE = frozenset(kind.value for kind in FREE_KINDS)
# Old trunk digits some switches still send: the deck may be written without them.
_OLD_DIGITS = {"+521": "+52", "+549": "+54"}


class Facts:
    """What a batch's calls are judged by; judging asks the database for no more."""

    def __init__(
        self,
        lines: Lines,
        cards: Cards,
        modes: Modes,
        areas: CallAreas,
        at: datetime,
    ) -> None:
        self.lines = lines
        self.cards = cards
        self.modes = dict(modes)
        self.terms = TermsBook(cards, self.modes)
        self.areas = areas
        self.latest_start = at + CLOCK_TOLERANCE

    @classmethod
    def of_nobody(cls, at: datetime) -> "Facts":
        """Nothing is known yet."""
        return cls(Lines(()), Cards(()), {}, NO_AREAS, at)

    def told_at(self, at: datetime, areas: CallAreas) -> "Facts":
        """What is known, for calls that are told at this moment."""
        same = copy(self)
        same.areas = areas
        same.latest_start = at + CLOCK_TOLERANCE
        return same


def classify(call: Call, owner: Owner, facts: Facts) -> str:
    """Fills in line, kind and price; returns why the call waits, '' if it does not."""
    record, started_at = call.record, call.started_at
    if record.billable_seconds > LONGEST_CALL:
        return WaitingReason.TOO_LONG.value
    if started_at > facts.latest_start:
        return WaitingReason.IN_FUTURE.value
    organisation, own = owner.organisation, owner.own
    terms = facts.terms.of(organisation, started_at)
    if terms is None:
        return WaitingReason.NOT_YET_OPEN.value
    own_line = own.line_id if own is not None else None
    call.line = line = facts.lines.find(organisation.id, record.user, own_line)
    call.is_postpaid = terms.is_postpaid
    call.local_day = terms.day.date
    call.kind = kind = _by_route(call, owner)
    country = line.usage_country if line is not None else organisation.country
    if kind in FREE or record.answered_at is None:
        call.kind = kind or _by_number(record.callee, country, facts.areas)
        call.rated = None
        return ""
    table = terms.table
    purpose = purpose_of(kind) if kind else CALLING
    if purpose != CALLING:
        asked = (organisation.id, organisation.currency, purpose, started_at)
        table = facts.cards.table(*asked)
    return _price(call, table, country, facts.areas)


def _by_route(call: Call, owner: Owner) -> str:
    record, own = call.record, owner.own
    inbound = record.direction == "inbound"
    is_internal = own is not None and owner.other is not None and not record.trunk
    if not (inbound or record.kind or record.call_type):
        # Most calls: nobody says a kind, so only the number dialled decides.
        return ON_NET if is_internal else ""
    return kind_by_route(
        direction=record.direction,
        said_kind=record.kind,
        call_type=record.call_type,
        is_internal=is_internal,
        service_kind=own.service_kind if own is not None and inbound else "",
        is_bridge=own is not None and inbound and own.is_bridge,
        callee_is_toll_free=inbound
        and own is None
        and record.callee is not None
        and is_toll_free(record.callee),
    )


def _by_number(callee: str | None, country: str, areas: CallAreas) -> str:
    if callee is None:
        return INTERNATIONAL
    return kind_by_number(callee, country, "", areas)


def _price(call: Call, table: RateTable | None, country: str, areas: CallAreas) -> str:
    callee = call.record.callee
    if callee is None:
        return WaitingReason.NOT_E164.value
    if table is None:
        return WaitingReason.NO_RATE_CARD.value
    rate = find_rate(table, callee, call.started_at)
    if rate is None:
        return WaitingReason.NO_RATE.value
    if rate.is_blocked:
        return WaitingReason.BLOCKED_RATE.value
    if "masked" in call.record.flags and table.is_ambiguous(callee, rate):
        return WaitingReason.AMBIGUOUS_NUMBER.value
    call.kind = call.kind or kind_by_number(callee, country, rate.number_type, areas)
    call.version_id = table.version_id
    call.rated = price_call(rate, call.record.billable_seconds, callee)
    if call.record.is_free:
        call.rated = RatedCall(rate, 0, 0)
    return ""


def price_call(rate: RateView, seconds: int, number: str = "") -> RatedCall:
    """The rated call; a dialled toll-free number without a price has no seconds."""
    rated = rate_call(rate, seconds)
    if not rated.amount and class_of(number, rate.number_type) == TOLLFREE:
        return RatedCall(rate, 0, 0)
    return rated


def find_rate(table: RateTable, number: str, at: datetime) -> RateView | None:
    """The longest prefix of the number, also as written without an old trunk digit."""
    found = table.find(number, at)
    without = _OLD_DIGITS.get(number[:4]) if number.startswith("+5") else None
    if without is not None:
        other = table.find(without + number[4:], at)
        if other is not None and (
            found is None or len(other.prefix) > len(found.prefix)
        ):
            return other
    return found
