"""Who pays for a rated call: pool, then credit, then post-paid or debt (rules 7, 8).

Pure: no database, no clock. The wallet's draft draws the lots and keeps the entries in
order; this module decides what to ask of it, and splits seconds and amount so that the
parts always add up to the whole.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from calling.rate import RatedCall
from credits.draft import WalletDraft
from credits.money import Micros


class PoolKey(NamedTuple):
    """Whose pool, of which month (rule 7.1); a line only where a plan is not pooled."""

    organisation_id: int
    period_start: date
    usage_country: str
    family: str
    bucket: str
    line_id: int | None


@dataclass(slots=True)
class PoolState:
    """A minute pool while a batch is allocated."""

    id: int
    family: str
    bucket: str
    granted: int
    remaining: int
    reserved: int
    ends_all: bool  # a used-up bucket ends every bucket of the plan
    is_exhausted: bool = False
    changed: bool = False

    @property
    def free(self) -> int:
        """Seconds not set aside for running calls."""
        return max(0, self.remaining - self.reserved)

    def draw(self, rated: RatedCall) -> int:
        """Takes what it has for this call; one that asks for more uses it up."""
        free = self.remaining - self.reserved
        drawn = pool_seconds(rated, free if free > 0 else 0)
        self.remaining -= drawn
        # What live calls have set aside is left, whatever this one would have taken.
        is_short = self.ends_all and drawn < rated.billed_seconds
        if self.remaining == 0 or (is_short and not self.reserved):
            self.is_exhausted = True
        self.changed = True
        return drawn

    def give_back(self, seconds: int) -> None:
        """Returns what a call had drawn that is being undone."""
        self.remaining += seconds
        self.is_exhausted = False
        self.changed = True


class Parts(NamedTuple):
    """What each source paid of one call, in seconds and micros."""

    pool_id: int | None = None
    pool_seconds: int = 0
    pool_amount: Micros = 0
    credit_seconds: int = 0
    credit_amount: Micros = 0
    postpaid_seconds: int = 0
    postpaid_amount: Micros = 0
    debt_seconds: int = 0
    debt_amount: Micros = 0


NOTHING = Parts()
_new = tuple.__new__  # of a light tuple: half of what its own name takes


def pool_seconds(rated: RatedCall, free: int) -> int:
    """Whole intervals a pool with so many free seconds gives this call (rule 7.2)."""
    if free >= rated.billed_seconds:
        return rated.billed_seconds
    first, following = rated.rate.interval_1, rated.rate.interval_n
    if free < first:
        return 0
    return first + (free - first) // following * following


def pool_amount(rated: RatedCall, seconds: int) -> Micros:
    """The list value of the pool part; informational, never an entry (rule 7.3)."""
    if seconds == rated.billed_seconds:
        return rated.amount
    if seconds == 0:
        return 0
    fee = rated.rate.connect_fee if seconds >= rated.rate.interval_1 else 0
    return min(rated.amount, fee + seconds * rated.rate.rate_per_minute // 60)


def without_money(rated: RatedCall, pool: PoolState | None) -> RatedCall:
    """What is left of a call that the supplier's own plan paid: minutes, or nothing."""
    if pool is not None and pool_seconds(rated, pool.free) == rated.billed_seconds:
        return rated
    return RatedCall(rated.rate, 0, 0)


def allocate(
    rated: RatedCall,
    pool: PoolState | None,
    wallet: WalletDraft,
    *,
    reference: str,
    started_at: datetime,
    is_postpaid: bool,
    reopened: frozenset[int] = frozenset(),
) -> Parts:
    """Takes from pool and wallet what the call costs; returns who paid what."""
    _, billed, amount = rated
    drawn = value = credit = 0
    pool_id = None
    if pool is not None:
        drawn = pool.draw(rated)
        value = pool_amount(rated, drawn)
        pool_id = pool.id if drawn else None
    owed, paid = amount - value, billed - drawn
    if owed:
        credit = wallet.spend(
            owed, reference=reference, started_at=started_at, reopened=reopened
        )
    if credit == owed:  # most calls
        return _new(Parts, (pool_id, drawn, value, paid, credit, 0, 0, 0, 0))
    rest, unpooled = owed - credit, paid
    paid = credit_seconds(unpooled, credit, owed)
    if is_postpaid:
        return Parts(pool_id, drawn, value, paid, credit, unpooled - paid, rest)
    wallet.owe(rest, reference=reference, event_at=started_at)
    return Parts(pool_id, drawn, value, paid, credit, 0, 0, unpooled - paid, rest)


def credit_seconds(unpooled: int, credit: Micros, owed: Micros) -> int:
    """The seconds that credit paid for; seconds that cost nothing count as paid."""
    return unpooled * credit // owed if owed else unpooled
