"""Plans the entries of one wallet in memory, in the order in which they are posted.

No database and no clock: `post_entries` writes what is planned here. A plan starts from
the locked wallet and its live lots and keeps both up to date line by line, so that no
lot falls below zero at any line and debt is paid from whatever may pay it (rule 3.6).
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from credits.draw import LotView, burn_key, draw, in_burn_order
from credits.models import EntryKind, Wallet
from credits.money import Micros

SPEND, DEBT = EntryKind.SPEND.value, EntryKind.DEBT.value
PAY_DEBT = EntryKind.PAY_DEBT.value
_new = tuple.__new__  # of a light tuple: half of what its own name takes


class EntryDraft(NamedTuple):
    """A ledger entry to be; numbers and balance are given when it is posted."""

    organisation_id: int
    kind: str
    lot_id: int | None
    amount: Micros
    reference: str
    event_at: datetime
    note: str = ""
    actor_id: int | None = None
    reverses_id: int | None = None


class WalletDraft:
    """One wallet's part of a batch."""

    def __init__(
        self, wallet: Wallet, lots: Iterable[LotView], *, at: datetime
    ) -> None:
        self.organisation_id = wallet.organisation_id
        self.debt = wallet.debt
        self.at = at
        self.entries: list[EntryDraft] = []
        self._lots = in_burn_order(lots)  # those with something left
        self._now = {lot.id: lot for lot in self._lots}

    def spend(
        self,
        amount: Micros,
        *,
        reference: str,
        started_at: datetime,
        reopened: Collection[int] = (),
        note: str = "",
        actor_id: int | None = None,
    ) -> Micros:
        """Draws from the lots; returns what they gave. The caller sees to the rest."""
        if self._lots:
            pk, kind, remaining, expires_at = self._lots[0]
            if amount < remaining and started_at < expires_at and self.at < expires_at:
                # Most calls: the first lot pays it all and has something left.
                moved = (pk, kind, remaining - amount, expires_at)
                self._lots[0] = self._now[pk] = _new(LotView, moved)
                owner, end = self.organisation_id, (note, actor_id, None)
                entry = (owner, SPEND, pk, -amount, reference, started_at, *end)
                self.entries.append(_new(EntryDraft, entry))
                return amount
        given = 0
        draws = draw(
            self._lots, amount, started_at=started_at, at=self.at, reopened=reopened
        )
        for lot, taken in draws:
            self.add(
                SPEND, lot, -taken, reference, started_at, note=note, actor_id=actor_id
            )
            given += taken
        return given

    def owe(
        self,
        amount: Micros,
        *,
        reference: str,
        event_at: datetime,
        kind: str = DEBT,
        note: str = "",
        actor_id: int | None = None,
    ) -> None:
        """What no lot covered becomes debt (rule 3.6)."""
        if amount:
            self.add(
                kind, None, -amount, reference, event_at, note=note, actor_id=actor_id
            )

    def pay_debt(self, reference: str = "") -> Micros:
        """Pays debt from spendable lots in burn order; returns what was paid.

        Each lot's line comes first, then one line without lot for their sum: the two
        sides of the clearing account, which is zero again afterwards. The reference is
        that of the event that made it possible, the last one planned unless named;
        without either nothing has happened that pays.
        """
        if not self.debt:
            return 0
        lots = [lot for lot in self._lots if lot.is_spendable(self.at)]
        if not lots or not (reference or self.entries):
            return 0
        reference = reference or f"{self.entries[-1].reference}:debt"
        return self.pay_from(lots, self.debt, reference)

    def pay_from(self, lots: Iterable[LotView], owed: Micros, reference: str) -> Micros:
        """Pays at most `owed` from these lots, in their order."""
        paid = 0
        for lot in lots:
            taken = min(owed - paid, lot.remaining)
            if taken:
                self.add(PAY_DEBT, lot, -taken, reference, self.at)
                paid += taken
        if paid:
            self.add(PAY_DEBT, None, paid, reference, self.at)
        return paid

    def add(
        self,
        kind: str,
        lot: LotView | None,
        amount: Micros,
        reference: str,
        event_at: datetime,
        *,
        note: str = "",
        actor_id: int | None = None,
        reverses_id: int | None = None,
    ) -> None:
        """Plans one entry and moves what it moves."""
        self.entries.append(
            EntryDraft(
                self.organisation_id,
                kind,
                None if lot is None else lot.id,
                amount,
                reference,
                event_at,
                note,
                actor_id,
                reverses_id,
            )
        )
        if lot is None:
            self.debt -= amount
        else:
            self._move(lot, amount)

    def lot(self, known: LotView) -> LotView:
        """The lot as it stands in this plan; `known` if the plan has not met it yet."""
        return self._now.get(known.id, known)

    def _move(self, lot: LotView, amount: Micros) -> None:
        now = lot.moved(amount)
        if lot in self._lots:
            place = self._lots.index(lot)
            if now.remaining:
                self._lots[place] = now
            else:
                del self._lots[place]
        elif now.remaining:
            self._lots.append(now)
            self._lots.sort(key=burn_key)
        self._now[lot.id] = now
