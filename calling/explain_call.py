"""Why a call cost what it cost, step by step, and which money paid for it.

Reads what was stored when the call was settled: the rating snapshot of its charge, the
parts of rule 8, and the ledger entries that carry its reference. Every step adds up to
the next; the only arithmetic is that of `rate_call`, which made the price.
"""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from calling.models import CallRecord, Charge, MinutePool, Rate
from calling.rate import RateView, rate_call
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
    listed_amount: Micros
    lots: list[LotPart]
    earlier: list[Charge]

    @property
    def is_free(self) -> bool:
        return self.charge.rated_amount == 0 and not self.charge.prefix

    @property
    def is_minimum(self) -> bool:
        """Whether the smallest charge applied instead of the computed one."""
        return self.charge.rated_amount > self.listed_amount

    @property
    def time_amount(self) -> Micros:
        """The part of the price that grows with time."""
        return self.listed_amount - self.charge.connect_fee

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
        listed_amount=_listed_amount(newest) if newest.interval_1 else 0,
        lots=_lots_of(newest),
        earlier=charges[1:],
    )


def _listed_amount(charge: Charge) -> Micros:
    """Fee and minutes by the stored rate, before any smallest charge."""
    without_minimum = RateView(
        charge.prefix,
        "",
        "",
        "",
        charge.rate_per_minute,
        charge.connect_fee,
        charge.interval_1,
        charge.interval_n,
        0,
        is_blocked=False,
    )
    return rate_call(without_minimum, charge.billed_seconds).amount


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
