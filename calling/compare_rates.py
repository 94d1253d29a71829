"""What a new version changes: new, gone, dearer, cheaper, and what lost its cover.

Pure. Two prices are compared by what calls of several lengths cost, asked of the
function that charges them, since intervals and charges make a price as much as the
minute does. What is dearer for any of them is dearer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from calling.decks.record import RateIn
from calling.rate import RateView, rate_call
from calling.write_rates import facts_of, view_of
from credits.money import Micros

LENGTHS = (1, 60, 180, 600)  # seconds
TYPICAL = 180
BIGGEST = 10


@dataclass(frozen=True, slots=True)
class PriceChange:
    """A prefix whose price goes up or down, and what a call of three minutes costs."""

    prefix: str
    destination: str
    before: Micros
    after: Micros

    @property
    def per_mille(self) -> int | None:
        """How much more or less in thousandths; None where it was free."""
        if self.before == 0:
            return None
        share = abs(self.after - self.before) * 1000 // self.before
        return share if self.after > self.before else -share

    @property
    def percent(self) -> str | None:
        """+12.5, -3.0; None where it was free before."""
        share = self.per_mille
        if share is None:
            return None
        return f"{'-' if share < 0 else '+'}{abs(share) // 10}.{abs(share) % 10}"

    @property
    def weight(self) -> tuple[bool, int, Micros]:
        """The biggest first: what was free before, then by its share."""
        share = self.per_mille
        return share is None, abs(share or 0), abs(self.after - self.before)


@dataclass(frozen=True, slots=True)
class LostPrefix:
    """A prefix that is no longer offered, and the shorter one that stands for it."""

    prefix: str
    destination: str
    falls_to: RateIn | None = None


@dataclass
class Difference:
    """How the rates of a card differ before and after."""

    new: int = 0
    removed: int = 0
    otherwise: int = 0
    unchanged: int = 0
    dearer: int = 0
    cheaper: int = 0
    increases: list[PriceChange] = field(default_factory=list)
    decreases: list[PriceChange] = field(default_factory=list)
    lost: list[LostPrefix] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (
            self.new or self.removed or self.otherwise or self.dearer or self.cheaper
        )


def compare_rates(
    before: Mapping[str, RateIn], after: Mapping[str, RateIn]
) -> Difference:
    """Counts of all, the biggest changes, and every prefix that is lost."""
    found = Difference()
    increases: list[PriceChange] = []
    decreases: list[PriceChange] = []
    for prefix, rate in after.items():
        old = before.get(prefix)
        if old is None:
            found.new += 1
        elif facts_of(old) == facts_of(rate):
            found.unchanged += 1
        elif (way := way_of(view_of(old), view_of(rate))) == 0:
            found.otherwise += 1
        else:
            (increases if way > 0 else decreases).append(change_of(old, rate))
    found.removed = sum(prefix not in after for prefix in before)
    found.dearer, found.cheaper = len(increases), len(decreases)
    found.increases = biggest(increases)
    found.decreases = biggest(decreases)
    found.lost = _lost(before, after)
    return found


def way_of(old: RateView, new: RateView) -> int:
    """1 dearer, -1 cheaper, 0 neither: for no length costs a call anything else."""
    costs = [
        (rate_call(old, seconds).amount, rate_call(new, seconds).amount)
        for seconds in LENGTHS
    ]
    if any(now > then for then, now in costs):
        return 1
    return -1 if any(now < then for then, now in costs) else 0


def change_of(old: RateIn, new: RateIn) -> PriceChange:
    return PriceChange(
        new.prefix,
        new.destination,
        rate_call(view_of(old), TYPICAL).amount,
        rate_call(view_of(new), TYPICAL).amount,
    )


def biggest(
    changes: Iterable[PriceChange], *, most: int = BIGGEST
) -> list[PriceChange]:
    ordered = sorted(changes, key=lambda one: one.prefix)
    return sorted(ordered, key=lambda one: one.weight, reverse=True)[:most]


def _lost(
    before: Mapping[str, RateIn], after: Mapping[str, RateIn]
) -> list[LostPrefix]:
    """Prefixes that were priced and are not, or are barred now."""
    lost = []
    for prefix in sorted(before):
        old, new = before[prefix], after.get(prefix)
        if old.is_blocked or (new is not None and not new.is_blocked):
            continue
        shorter = new or next(
            (
                after[prefix[:n]]
                for n in range(len(prefix), 0, -1)
                if prefix[:n] in after
            ),
            None,
        )
        lost.append(LostPrefix(prefix, old.destination, shorter))
    return lost
