"""What the customer reads about the wallet: balance, lots, activity (rule 3.4).

Plain reads, without locks. The balance never counts expired credit, whether or not the
sweep has run: past the wallet's next expiry one more read subtracts what nobody has
marked yet.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from accounts.models import Organisation
from credits.models import EntryKind, Hold, LedgerEntry, Lot, Wallet
from credits.money import Micros

CALL_KINDS = (EntryKind.SPEND, EntryKind.DEBT)
WINDOW = 5000  # entries read for one page of activity


@dataclass(frozen=True)
class Balance:
    """A wallet at one moment; `available` is what a trigger is compared with."""

    balance: Micros
    available: Micros
    credit: Micros
    lapsed: Micros
    debt: Micros
    reserved: Micros
    currency: str
    live_calls: int = 0


@dataclass(frozen=True)
class ActivityLine:
    """One line of the statement: one event, or a run of calls within one day."""

    day: date
    at: datetime
    kind: EntryKind
    calls: int
    amount: Micros
    balance_after: Micros
    reference: str
    note: str
    lot_id: int | None
    first_seq: int


def read_balance(organisation_id: int, at: datetime) -> Balance:
    wallet = Wallet.objects.get(pk=organisation_id)
    return balance_of(wallet, at)


def balance_of(wallet: Wallet, at: datetime) -> Balance:
    """The balance of a wallet that was just read; usually without another read."""
    lapsed = _lapsed(wallet, at)
    balance = wallet.credit - lapsed - wallet.debt
    return Balance(
        balance=balance,
        available=balance - wallet.reserved,
        credit=wallet.credit,
        lapsed=lapsed,
        debt=wallet.debt,
        reserved=wallet.reserved,
        currency=wallet.currency,
        live_calls=wallet.live_calls,
    )


def _lapsed(wallet: Wallet, at: datetime) -> Micros:
    """What has expired, marked or not, and no call holds that began before."""
    if wallet.next_expiry_at is None or at < wallet.next_expiry_at:
        return wallet.lapsed
    mine = Lot.objects.live().filter(organisation=wallet.organisation_id)
    expired = mine.filter(expires_at__lte=at).order_by("expires_at")
    holds = Hold.objects.still_open().filter(organisation=wallet.organisation_id)
    return uncovered(
        expired.values_list("expires_at", "remaining"),
        list(holds.values_list("opened_at", "amount")) if wallet.live_calls else [],
    )


def uncovered(
    expired: Iterable[tuple[datetime, Micros]],
    holds: Collection[tuple[datetime, Micros]],
) -> Micros:
    """What expired lots have beyond what calls hold that began before (rule 3.8).

    Lots, soonest expiry first, by expiry and what is left; holds by their opening and
    amount. `refresh_wallets` computes the same in SQL for the lots that are marked.
    """
    left = beyond = 0
    for expires_at, remaining in expired:
        left += remaining
        held = sum(amount for opened_at, amount in holds if opened_at < expires_at)
        beyond = max(beyond, left - held)
    return beyond


def list_lots(organisation_id: int, at: datetime) -> list[Lot]:
    """The lots that can be spent now, in the order in which they will be."""
    mine = Lot.objects.filter(organisation=organisation_id)
    return list(mine.spendable(at).in_burn_order())


def list_activity(
    organisation: Organisation, *, limit: int = 50, before_seq: int | None = None
) -> list[ActivityLine]:
    """The newest lines; the next page starts before the last line's `first_seq`.

    Days are those of booking, in the organisation's zone (rule 10.1). A debt that was
    paid moves nothing the customer has, so its lines are left out.
    """
    entries = LedgerEntry.objects.filter(organisation=organisation)
    if before_seq is not None:
        entries = entries.filter(wallet_seq__lt=before_seq)
    newest = list(
        entries.exclude(kind=EntryKind.PAY_DEBT)
        .order_by("-wallet_seq")
        .defer("actor", "reverses")[:WINDOW]
    )
    lines = []
    for line in _lines(organisation, newest):
        lines.append(line)
        if len(lines) == limit:
            break
    return lines


def _lines(
    organisation: Organisation, newest: list[LedgerEntry]
) -> Iterator[ActivityLine]:
    def run(entry: LedgerEntry) -> tuple[date, object]:
        day = organisation.local_day(entry.booked_at)
        is_call = entry.kind in CALL_KINDS
        return day, "calls" if is_call else (entry.kind, entry.reference)

    for (day, _), group in groupby(newest, run):
        entries = list(group)
        last = entries[0]
        is_call = last.kind in CALL_KINDS
        calls = {entry.reference.split("#")[0] for entry in entries}
        yield ActivityLine(
            day=day,
            at=last.booked_at,
            kind=EntryKind.SPEND if is_call else EntryKind(last.kind),
            calls=len(calls) if is_call else 0,
            amount=sum(entry.amount for entry in entries),
            balance_after=last.balance_after,
            reference=last.reference,
            note=last.note,
            lot_id=last.lot_id,
            first_seq=entries[-1].wallet_seq,
        )
