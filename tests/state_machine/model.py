"""What a wallet should be, in plain Python: no database, no clock, no Stripe.

Written from the rules alone, as short as they allow; the state machine plays the same
steps on this and on Tollgate and compares after each. Amounts are integer micros.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

LATE_USAGE = timedelta(hours=72)


@dataclass
class ModelLot:
    """One batch of credit (rule 3.2)."""

    name: str
    is_gift: bool
    remaining: int
    expires_at: datetime
    number: int


@dataclass
class ModelWallet:
    """Lots, what is owed, and what has been posted as expired."""

    lots: list[ModelLot] = field(default_factory=list)
    debt: int = 0
    expired: int = 0

    def balance(self, at: datetime) -> int:
        """Unexpired credit less debt (rule 3.4)."""
        return sum(lot.remaining for lot in self.spendable(at)) - self.debt

    def spendable(self, at: datetime) -> list[ModelLot]:
        return [lot for lot in self._burn_order() if lot.expires_at > at]

    def add(
        self, name: str, amount: int, expires_at: datetime, *, is_gift: bool = False
    ) -> None:
        """A new lot pays debt before anything else (rule 3.6)."""
        self.lots.append(
            ModelLot(name, is_gift, amount, expires_at, number=len(self.lots))
        )

    def call(self, amount: int, *, started_at: datetime, at: datetime) -> None:
        """A call draws in burn order; what is not covered is owed (rules 3.5, 3.8)."""
        for lot in self._burn_order():
            if started_at < lot.expires_at and at < lot.expires_at + LATE_USAGE:
                amount -= self._take(lot, amount)
        self.debt += amount

    def take_back(self, name: str, amount: int) -> None:
        """A refund or dispute: from that lot first, the rest is owed (rule 4.7)."""
        for lot in self.lots:
            if lot.name == name:
                amount -= self._take(lot, amount)
        self.debt += amount

    def pay_debt(self, at: datetime) -> None:
        """After every posting, from whatever may be spent (rule 3.6)."""
        for lot in self.spendable(at):
            self.debt -= self._take(lot, self.debt)

    def sweep(self, at: datetime) -> None:
        """What late usage left of an expired lot is gone (rule 3.8)."""
        for lot in self.lots:
            if at >= lot.expires_at + LATE_USAGE:
                self.expired += lot.remaining
                lot.remaining = 0

    def left_of(self, name: str) -> int:
        return sum(lot.remaining for lot in self.lots if lot.name == name)

    @staticmethod
    def _take(lot: ModelLot, amount: int) -> int:
        taken = min(lot.remaining, amount)
        lot.remaining -= taken
        return taken

    def _burn_order(self) -> list[ModelLot]:
        def key(lot: ModelLot) -> tuple[datetime, bool, int]:
            return lot.expires_at, not lot.is_gift, lot.number

        return sorted((lot for lot in self.lots if lot.remaining), key=key)
