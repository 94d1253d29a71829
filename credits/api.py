"""The API of the wallet: balance, lots and ledger (rules 3.1 to 3.5)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema

from accounts.api_access import NAMED, organisation_of
from accounts.api_pages import LIMIT, Cursor, Limit, read_page
from accounts.models import BillingMode, Scope
from credits.api_money import MoneyOut, money_out
from credits.models import EntryKind, LedgerEntry, Lot, LotKind
from credits.money import Micros
from credits.statement import read_balance

router = Router(tags=["credits"])


class LotState(StrEnum):
    """What became of a lot; calls draw from the spendable ones alone."""

    SPENDABLE = "spendable"
    USED_UP = "used_up"
    EXPIRED = "expired"


class BalanceOut(Schema):
    """`available` is the balance less what running calls hold."""

    balance: MoneyOut
    available: MoneyOut
    held: MoneyOut
    debt: MoneyOut
    billing_mode: BillingMode


class LotOut(Schema):
    """A batch of credit; `expires_at` is the first moment it cannot be spent."""

    id: str
    kind: LotKind
    state: LotState
    original: MoneyOut
    remaining: MoneyOut
    issued_at: datetime
    expires_at: datetime


class LotsOut(Schema):
    data: list[LotOut]
    next_cursor: str | None


class EntryOut(Schema):
    """A line of the ledger, written once and never changed.

    `number` counts an organisation's entries. `reference` says what it is about: a call
    and its revision, a top-up, a lot. An entry that takes another back names it.
    """

    id: str
    number: int
    kind: EntryKind
    amount: MoneyOut
    balance_after: MoneyOut
    lot: str | None
    reference: str
    note: str
    reverses: str | None
    event_at: datetime
    booked_at: datetime


class LedgerOut(Schema):
    data: list[EntryOut]
    next_cursor: str | None


@router.get(
    "/balance",
    response=BalanceOut,
    summary="Balance",
    openapi_extra=NAMED,
)
def get_balance(request: HttpRequest) -> Any:
    organisation = organisation_of(request, Scope.BALANCE_READ)
    found = read_balance(organisation.pk, timezone.now())

    def money(micros: Micros) -> MoneyOut:
        return money_out(micros, found.currency)

    return BalanceOut(
        balance=money(found.balance),
        available=money(found.available),
        held=money(found.reserved),
        debt=money(found.debt),
        billing_mode=organisation.mode,
    )


@router.get(
    "/lots",
    response=LotsOut,
    summary="Batches of credit, the newest first",
    openapi_extra=NAMED,
)
def list_lots(
    request: HttpRequest,
    state: Annotated[LotState | None, Query()] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = "",
) -> Any:
    organisation = organisation_of(request, Scope.BALANCE_READ)
    at = timezone.now()
    lots = Lot.objects.filter(organisation=organisation)
    if state is not None:
        lots = lots.filter(_in_state(state, at))
    page, after = read_page(lots, ("issued_at", "id"), limit=limit, cursor=cursor)
    return LotsOut(data=[_lot_out(lot, at) for lot in page], next_cursor=after)


@router.get(
    "/ledger",
    response=LedgerOut,
    summary="Entries of the ledger, the newest first",
    openapi_extra=NAMED,
)
def list_entries(
    request: HttpRequest,
    kind: Annotated[EntryKind | None, Query()] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = "",
) -> Any:
    organisation = organisation_of(request, Scope.BALANCE_READ)
    entries = LedgerEntry.objects.filter(organisation=organisation)
    if kind is not None:
        entries = entries.filter(kind=kind)
    page, after = read_page(entries, ("wallet_seq",), limit=limit, cursor=cursor)
    currency = organisation.currency
    return LedgerOut(
        data=[_entry_out(entry, currency) for entry in page], next_cursor=after
    )


def _in_state(state: LotState, at: datetime) -> Q:
    expired = Q(lapsed_at__isnull=False) | Q(exhausted_at=None, expires_at__lte=at)
    return {
        LotState.SPENDABLE: Q(exhausted_at=None, expires_at__gt=at),
        LotState.USED_UP: Q(exhausted_at__isnull=False, lapsed_at=None),
        LotState.EXPIRED: expired,
    }[state]


def _state_of(lot: Lot, at: datetime) -> LotState:
    if lot.lapsed_at is None and lot.exhausted_at is not None:
        return LotState.USED_UP
    is_over = lot.lapsed_at is not None or lot.expires_at <= at
    return LotState.EXPIRED if is_over else LotState.SPENDABLE


def _lot_out(lot: Lot, at: datetime) -> LotOut:
    return LotOut(
        id=f"lot_{lot.pk}",
        kind=LotKind(lot.kind),
        state=_state_of(lot, at),
        original=money_out(lot.original, lot.currency),
        remaining=money_out(lot.remaining, lot.currency),
        issued_at=lot.issued_at,
        expires_at=lot.expires_at,
    )


def _entry_out(entry: LedgerEntry, currency: str) -> EntryOut:
    return EntryOut(
        id=f"entry_{entry.pk}",
        number=entry.wallet_seq,
        kind=EntryKind(entry.kind),
        amount=money_out(entry.amount, currency),
        balance_after=money_out(entry.balance_after, currency),
        lot=f"lot_{entry.lot_id}" if entry.lot_id else None,
        reference=entry.reference,
        note=entry.note,
        reverses=f"entry_{entry.reverses_id}" if entry.reverses_id else None,
        event_at=entry.event_at,
        booked_at=entry.booked_at,
    )
