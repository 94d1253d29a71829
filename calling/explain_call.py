"""Why a call cost what it cost, step by step, and which money paid for it.

Reads what was stored when the call was settled and computes nothing anew: the rating
snapshot of its charge, the parts of rule 8, and the ledger entries that carry its
reference. Every step adds up to the next.
"""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from calling.models import CallRecord, Charge, MinutePool, Rate
from credits.display import last_day
from credits.models import EntryKind, LedgerEntry, LotKind
from credits.money import Micros


@dataclass(frozen=True)
class LotPart:
    """What one lot paid of the call."""

    kind: LotKind
    added_on: date
    last_day: date
    amount: Micros


@dataclass(frozen=True)
class CallExplanation:
    """The newest settlement of a call; `earlier` are those it replaced."""

    call: CallRecord
    charge: Charge
    rate: Rate | None
    pool: MinutePool | None
    usage_amount: Micros
    lots: list[LotPart]
    earlier: list[Charge]

    @property
    def is_free(self) -> bool:
        return self.charge.rated_amount == 0 and not self.charge.prefix

    @property
    def is_minimum(self) -> bool:
        """Whether the smallest charge applied instead of the computed one."""
        charge = self.charge
        computed = self.usage_amount + charge.connect_fee
        return charge.rated_amount > computed

    @property
    def listed_amount(self) -> Micros:
        """What the steps come to before the smallest charge."""
        return self.usage_amount + self.charge.connect_fee

    @property
    def steps_differ(self) -> bool:
        return self.charge.interval_1 != self.charge.interval_n


def explain_call(call: CallRecord) -> CallExplanation | None:
    """None for a call that has not been settled."""
    charges = list(
        Charge.objects.filter(organisation=call.organisation_id, call_record=call)
        .select_related("pool", "rate_card_version__card", "line")
        .order_by("-revision")
    )
    if not charges or charges[0].revision != call.revision:
        return None
    newest = charges[0]
    return CallExplanation(
        call=call,
        charge=newest,
        rate=_rate_of(newest),
        pool=newest.pool,
        usage_amount=_usage_amount(newest),
        lots=_lots_of(newest),
        earlier=charges[1:],
    )


def _usage_amount(charge: Charge) -> Micros:
    """The part of the price that grows with time; the fee is what is left of it."""
    priced = charge.billed_seconds * charge.rate_per_minute
    computed = -(-priced // 60) if priced % 60 > 30 else priced // 60
    if charge.rated_amount > charge.minimum_charge:
        return charge.rated_amount - charge.connect_fee
    return computed


def _rate_of(charge: Charge) -> Rate | None:
    if charge.rate_card_version_id is None:
        return None
    return Rate.objects.filter(
        version=charge.rate_card_version_id, prefix=charge.prefix
    ).first()


def _lots_of(charge: Charge) -> list[LotPart]:
    """In the order in which they were drawn."""
    entries = (
        LedgerEntry.objects.filter(
            organisation=charge.organisation_id,
            kind=EntryKind.SPEND,
            reference=str(charge),
            lot__isnull=False,
            reverses=None,
        )
        .select_related("lot")
        .order_by("wallet_seq")
    )
    return [
        LotPart(
            LotKind(entry.lot.kind),
            entry.lot.issued_at.astimezone(ZoneInfo(entry.lot.time_zone)).date(),
            last_day(entry.lot.expires_at, ZoneInfo(entry.lot.time_zone)),
            -entry.amount,
        )
        for entry in entries
        if entry.lot is not None
    ]
