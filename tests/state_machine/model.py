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
    # What live calls have set aside, by name: since when, and how much.
    holds: dict[int, tuple[datetime, int]] = field(default_factory=dict)
    # By sale: what was bought, and what has gone back of it, by refund and dispute.
    bought: dict[str, int] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)

    def balance(self, at: datetime) -> int:
        """Unexpired credit, what covers earlier calls, less debt (rule 3.4)."""
        left = sum(lot.remaining for lot in self.spendable(at))
        return left + self._covering(at) - self.debt

    def available(self, at: datetime) -> int:
        return self.balance(at) - sum(amount for _, amount in self.holds.values())

    def _covering(self, at: datetime) -> int:
        """Expired credit that calls hold which began before it expired (rule 3.8)."""
        waiting, covering = dict(self.holds), 0
        for lot in self._burn_order():
            left = lot.remaining if lot.expires_at <= at else 0
            for name, (since, amount) in waiting.items():
                if since < lot.expires_at:
                    taken = min(left, amount)
                    waiting[name] = since, amount - taken
                    left, covering = left - taken, covering + taken
        return covering

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

    def take_back(self, name: str, gross: int, *, since: datetime) -> None:
        """From that lot first, the rest is owed (rule 4.7); what expired stays so."""
        amount = self._reverse(name, gross)
        for lot in self.lots:
            if lot.name == name and since < lot.expires_at:
                amount -= self._take(lot, amount)
        self.debt += amount

    def give_back(self, name: str, gross: int) -> None:
        """A refund that failed: its credit is in the lot again."""
        amount = -self._reverse(name, -gross)
        lot = next(lot for lot in self.lots if lot.name == name)
        lot.remaining += amount

    def restore(self, name: str, gross: int, expires_at: datetime) -> int:
        """A dispute that was won: a lot of its own, which pays debt first."""
        amount = -self._reverse(name, -gross)
        if amount:
            self.add(name, amount, expires_at)
        return amount

    def pay_debt(self, at: datetime) -> None:
        """After every posting, from whatever may be spent (rule 3.6)."""
        for lot in self.spendable(at):
            self.debt -= self._take(lot, self.debt)

    def buy(self, name: str, amount: int, expires_at: datetime) -> None:
        self.bought[name] = amount
        self.add(name, amount, expires_at)

    def sweep(self, at: datetime) -> None:
        """What late usage left of an expired lot is gone (rule 3.8)."""
        for lot in self.lots:
            if at >= lot.expires_at + LATE_USAGE:
                self.expired += lot.remaining
                lot.remaining = 0

    def reversed(self, name: str) -> int:
        """Never more than the sale, however much goes back (rule 4.7)."""
        return min(self.gone.get(name, 0), self.bought[name])

    def _reverse(self, name: str, gross: int) -> int:
        before = self.reversed(name)
        self.gone[name] = self.gone.get(name, 0) + gross
        return self.reversed(name) - before

    @staticmethod
    def _take(lot: ModelLot, amount: int) -> int:
        taken = min(lot.remaining, amount)
        lot.remaining -= taken
        return taken

    def _burn_order(self) -> list[ModelLot]:
        def key(lot: ModelLot) -> tuple[datetime, bool, int]:
            return lot.expires_at, not lot.is_gift, lot.number

        return sorted((lot for lot in self.lots if lot.remaining), key=key)
