"""The anchor of row 3: the full job as a careful Django developer writes it. Frozen.

One transaction per call through the ORM: dedupe, find the owner and the rate, lock the
wallet, draw from the lots, store raw record, call record, charge, ledger entries,
wallet and day's total. Eleven statements for a call that one lot pays, BEGIN and COMMIT
not counted; the tables and their fences are the product's own.
"""

import json
from datetime import datetime
from hashlib import blake2b
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from calling.models import (
    CallRecord,
    Charge,
    NumberAssignment,
    Rate,
    RateCardVersion,
    RawRecord,
    Source,
    UsageDay,
)
from credits.models import LedgerEntry, Lot, Wallet

Row = dict[str, Any]


def store_one_by_one(
    source: Source, version: RateCardVersion, rows: list[Row], *, at: datetime
) -> None:
    for row in rows:
        store_one(source, version, row, at=at)


def store_one(
    source: Source, version: RateCardVersion, row: Row, *, at: datetime
) -> None:
    started_at = datetime.fromisoformat(row["answered_at"])
    with transaction.atomic():
        number = (
            NumberAssignment.objects.select_related("organisation")
            .filter(Q(ends_at=None) | Q(ends_at__gt=started_at))
            .get(number=row["from"], starts_at__lte=started_at)
        )
        wallet = Wallet.objects.select_for_update(no_key=True).get(
            pk=number.organisation_id
        )
        key = {"source": source, "source_record_id": row["source_record_id"]}
        if RawRecord.objects.filter(**key).exists():
            return
        rate = find_rate(version, row["to"])
        raw = store_raw(source, row, at)
        call = store_call(raw, number, row, started_at)
        charge = store_charge(call, number, rate, at)
        spend(wallet, charge.rated_amount, f"call:{call.pk}#1", started_at, at)
        add_to_day(charge)


def store_raw(source: Source, row: Row, at: datetime) -> RawRecord:
    return RawRecord.objects.create(
        source=source,
        source_record_id=row["source_record_id"],
        digest=blake2b(repr(row).encode(), digest_size=16).hexdigest(),
        format="generic-json",
        body=json.dumps(row),
        received_at=at,
        state="settled",
    )


def store_call(
    raw: RawRecord, number: NumberAssignment, row: Row, started_at: datetime
) -> CallRecord:
    return CallRecord.objects.create(
        pk=raw.pk,
        source_id=raw.source_id,
        source_record_id=raw.source_record_id,
        organisation=number.organisation,
        line_id=number.line_id,
        kind="international",
        direction="outbound",
        caller=row["from"],
        callee=row["to"],
        started_at=started_at,
        ended_at=datetime.fromisoformat(row["ended_at"]),
        answered=True,
        billable_seconds=int(row["billable_s"]),
    )


def store_charge(
    call: CallRecord, number: NumberAssignment, rate: Rate, at: datetime
) -> Charge:
    billed = in_intervals(call.billable_seconds, rate)
    amount = (2 * billed * rate.rate_per_minute + 60) // 120
    return Charge.objects.create(
        organisation=number.organisation,
        call_record=call,
        revision=1,
        line_id=number.line_id,
        kind=call.kind,
        local_day=number.organisation.local_day(call.started_at),
        currency="USD",
        rate_card_version_id=rate.version_id,
        prefix=rate.prefix,
        rate_per_minute=rate.rate_per_minute,
        interval_1=rate.interval_1,
        interval_n=rate.interval_n,
        rated_amount=amount,
        billed_seconds=billed,
        credit_seconds=billed,
        credit_amount=amount,
        booked_at=at,
    )


def find_rate(version: RateCardVersion, callee: str) -> Rate:
    digits = callee.removeprefix("+")
    prefixes = [digits[:length] for length in range(1, len(digits) + 1)]
    return version.rates.filter(prefix__in=prefixes).order_by("-prefix")[0]


def in_intervals(seconds: int, rate: Rate) -> int:
    if seconds <= rate.interval_1:
        return rate.interval_1
    rest = seconds - rate.interval_1
    return rate.interval_1 - (-rest // rate.interval_n) * rate.interval_n


def spend(
    wallet: Wallet, amount: int, reference: str, started_at: datetime, at: datetime
) -> None:
    """Draws from the lots in burn order; the fences move lot and wallet."""
    balance = wallet.credit - wallet.debt
    lots = Lot.objects.filter(
        organisation_id=wallet.pk, exhausted_at=None, expires_at__gt=started_at
    ).order_by("expires_at", "id")
    for lot in lots:
        taken = min(amount, lot.remaining)
        amount -= taken
        balance -= taken
        wallet.last_seq += 1
        LedgerEntry.objects.create(
            organisation_id=wallet.pk,
            wallet_seq=wallet.last_seq,
            kind="spend",
            lot=lot,
            amount=-taken,
            balance_after=balance,
            reference=reference,
            event_at=started_at,
            booked_at=at,
        )
        if not amount:
            break
    wallet.next_expiry_at = lot.expires_at
    wallet.save(update_fields=["last_seq", "next_expiry_at"])


def add_to_day(charge: Charge) -> None:
    key = {
        "organisation_id": charge.organisation_id,
        "day": charge.local_day,
        "kind": charge.kind,
        "currency": charge.currency,
    }
    changed = UsageDay.objects.filter(**key).update(
        calls=F("calls") + 1,
        seconds=F("seconds") + charge.billed_seconds,
        amount=F("amount") + charge.rated_amount,
    )
    if not changed:
        UsageDay.objects.create(
            **key,
            calls=1,
            seconds=charge.billed_seconds,
            amount=charge.rated_amount,
            pool_amount=0,
        )
