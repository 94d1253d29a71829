"""Whether a destination is barred: the most specific rule decides (rule 9.1).

Pure. Premium numbers are barred unless a rule lets them through. A customer may bar
whatever it likes, and lifts what the provider bars only where the provider does not
insist and by a rule that is as specific.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from calling.models import Barring, NumberType


class BarringRule(NamedTuple):
    """A row of Barring, light and comparable."""

    prefix: str
    number_type: str
    country: str
    hour_from: time | None
    hour_until: time | None
    lets_through: bool
    is_forced: bool

    @property
    def rank(self) -> tuple[int, bool, bool]:
        """How specific it is: prefix before class before country before everything."""
        return len(self.prefix), bool(self.number_type), bool(self.country)

    def fits(self, destination: "Destination") -> bool:
        return (
            destination.digits.startswith(self.prefix)
            and self.number_type in {"", destination.number_type}
            and self.country in {"", destination.country}
            and self._is_hour(destination.local_time)
        )

    def _is_hour(self, now: time) -> bool:
        if self.hour_from is None or self.hour_until is None:
            return True
        if self.hour_from < self.hour_until:
            return self.hour_from <= now < self.hour_until
        return now >= self.hour_from or now < self.hour_until


class Destination(NamedTuple):
    """What is dialled, and the time where the organisation is."""

    digits: str
    number_type: str
    country: str
    local_time: time


PREMIUM = BarringRule("", NumberType.PREMIUM.value, "", None, None, False, False)


def read_barrings(organisation_id: int | None) -> list[BarringRule]:
    """The rules in force of an organisation, or of the provider; one query."""
    rows = Barring.objects.filter(organisation=organisation_id, is_active=True)
    found = rows.order_by("pk").values_list(*BarringRule._fields)
    return [BarringRule(*row) for row in found]


def local_time(at: datetime, zone: ZoneInfo) -> time:
    return at.astimezone(zone).time()


def is_barred(
    destination: Destination,
    provider: Sequence[BarringRule],
    own: Sequence[BarringRule],
) -> bool:
    """Whether a call there is refused, by the provider's rules and the customer's."""
    mine = next(iter(_fitting(own, destination)), None)
    if mine is not None and not mine.lets_through:
        return True
    rules = _fitting(provider, destination)
    if PREMIUM.fits(destination) and not any(one.rank >= PREMIUM.rank for one in rules):
        rules.insert(0, PREMIUM)
    for rule in rules:
        if rule.lets_through:
            return False
        if rule.is_forced or mine is None or mine.rank < rule.rank:
            return True
    return False


def _fitting(
    rules: Iterable[BarringRule], destination: Destination
) -> list[BarringRule]:
    """Those that fit, the most specific first; of equals what bars, by force before."""
    found = [rule for rule in rules if rule.fits(destination)]
    found.sort(key=lambda rule: rule.is_forced, reverse=True)
    found.sort(key=lambda rule: rule.lets_through)
    found.sort(key=lambda rule: rule.rank, reverse=True)
    return found
