"""Which lots pay: a pure function, no database, no clock (rule 3.5).

Soonest expiry first, promotional before paid, then the older lot. A lot that had
expired when the call started never pays; one that has expired since may pay late
records of earlier calls for 72 hours (rule 3.8), and corrections of calls it had paid.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from credits.models import LotKind
from credits.money import Micros

LATE_USAGE = timedelta(hours=72)


class LotView(NamedTuple):
    """What drawing needs to know of a lot; light, since a batch reads thousands."""

    id: int
    kind: str
    remaining: Micros
    expires_at: datetime

    def is_spendable(self, at: datetime) -> bool:
        return self.remaining > 0 and self.expires_at > at

    def pays_call(
        self, started_at: datetime, at: datetime, reopened: Collection[int] = ()
    ) -> bool:
        """Whether it pays a call of then that is recorded now."""
        return started_at < self.expires_at and (
            at < self.expires_at
            or at < self.expires_at + LATE_USAGE
            or self.id in reopened
        )

    def moved(self, amount: Micros) -> "LotView":
        return LotView(self.id, self.kind, self.remaining + amount, self.expires_at)


class Draw(NamedTuple):
    """What one lot gives."""

    lot: LotView
    amount: Micros


def in_burn_order(lots: Iterable[LotView]) -> list[LotView]:
    return sorted(lots, key=burn_key)


def burn_key(lot: LotView) -> tuple[datetime, bool, int]:
    return lot.expires_at, lot.kind != LotKind.PROMOTIONAL, lot.id


def draw(
    lots: Sequence[LotView],
    amount: Micros,
    *,
    started_at: datetime,
    at: datetime,
    reopened: Collection[int] = (),
) -> list[Draw]:
    """What each lot gives towards an amount; `lots` stand in burn order.

    `reopened` names lots to which a correction has just returned money: they may pay
    the corrected call however late it is.
    """
    draws = []
    for lot in lots:
        if amount == 0:
            break
        if lot.remaining and lot.pays_call(started_at, at, reopened):
            taken = min(amount, lot.remaining)
            draws.append(Draw(lot, taken))
            amount -= taken
    return draws
