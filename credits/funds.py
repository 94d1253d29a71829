"""The lots as their owner sees them: what is left, until when, what is used next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from credits.display import last_day
from credits.expiry_timeline import SOON_DAYS
from credits.forecast import Funds
from credits.models import Lot, LotKind
from credits.money import Micros


@dataclass(frozen=True)
class FundsRow:
    """A lot on the Credits page; `share` is what its bar shows."""

    kind: LotKind
    added_on: date
    remaining: Micros
    original: Micros
    share: str
    last_day: date
    days_left: int
    is_next: bool
    currency: str

    @property
    def is_soon(self) -> bool:
        return self.days_left <= SOON_DAYS


def funds_rows(lots: Sequence[Lot], *, today: date) -> list[FundsRow]:
    """`lots` are spendable and stand in burn order: the first is drawn next."""
    return [
        FundsRow(
            kind=LotKind(lot.kind),
            added_on=lot.issued_at.astimezone(lot.zone).date(),
            remaining=lot.remaining,
            original=lot.original,
            share=share_text(lot.remaining, lot.original),
            last_day=last_day_of(lot),
            days_left=(last_day_of(lot) - today).days,
            is_next=position == 0,
            currency=lot.currency,
        )
        for position, lot in enumerate(lots)
    ]


def funds_ahead(lots: Sequence[Lot]) -> list[Funds]:
    """The same lots as the forecast plays them."""
    return [Funds(lot.remaining, last_day_of(lot)) for lot in lots]


def last_day_of(lot: Lot) -> date:
    """In the zone its expiry was counted in; a later change of zone moves nothing."""
    return last_day(lot.expires_at, lot.zone)


def share_text(part: int, whole: int) -> str:
    """`7.6%`, the width of a bar; nothing of nothing is an empty bar."""
    tenths = 1000 * part // whole if whole else 0
    return f"{tenths // 10}.{tenths % 10}%"
