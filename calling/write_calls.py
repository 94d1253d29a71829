"""Writes a settled batch in bulk: call records, charges, raw records, daily totals."""

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.db import connection

from calling.call import Call
from calling.call_words import word_of
from calling.models import CallRecord, Charge, RawRecord, RecordState
from calling.rate import RatedCall
from calling.seen import Seen
from credits.bulk import Table, array_of, update_rows
from credits.money import Micros

WAITING, SETTLED = RecordState.WAITING.value, RecordState.SETTLED.value

RAW_COLUMNS = (
    "id",
    "source_id",
    "source_record_id",
    "revision",
    "digest",
    "format",
    "body",
    "received_at",
    "state",
    "reason",
    "organisation_hint",
    "time_zone",
)
CALL_COLUMNS = (
    "id",
    "organisation_id",
    "source_id",
    "source_record_id",
    "revision",
    "line_id",
    "kind",
    "direction",
    "caller",
    "callee",
    "started_at",
    "ended_at",
    "answered",
    "billable_seconds",
    "call_id",
    "flags",
)
CHARGE_COLUMNS = (
    "organisation_id",
    "call_record_id",
    "revision",
    "line_id",
    "kind",
    "local_day",
    "currency",
    "rate_card_version_id",
    "prefix",
    "rate_per_minute",
    "connect_fee",
    "interval_1",
    "interval_n",
    "minimum_charge",
    "rated_amount",
    "billed_seconds",
    "pool_id",
    "pool_seconds",
    "pool_amount",
    "credit_seconds",
    "credit_amount",
    "postpaid_seconds",
    "postpaid_amount",
    "debt_seconds",
    "debt_amount",
    "booked_at",
)
_FREE_SNAPSHOT = ("", 0, 0, 0, 0, 0, 0, 0)


def raw_table(
    calls: Sequence[Call], source_id: int, format_name: str, at: datetime
) -> Table:
    """Keeps every record exactly as it came, settled or waiting."""
    rows = []
    for call in calls:
        record, reason = call.record, call.reason
        rows.append(
            (
                call.raw_id,
                source_id,
                record.source_record_id,
                call.raw_revision,
                call.digest,
                format_name,
                record.body,
                at,
                WAITING if reason else SETTLED,
                reason,
                record.organisation_hint,
                record.time_zone,
            )
        )
    return Table(RawRecord, RAW_COLUMNS, rows)


def write_states(states: Sequence[tuple[int, str, str]]) -> None:
    """Sets state and reason of raw records that waited: (id, state, reason)."""
    update_rows(RawRecord, "id", ("state", "reason"), states)


def supersede(calls: Iterable[Call], seen: Seen) -> None:
    """Earlier tellings that still wait need not be settled any more."""
    write_states(
        [
            (told.raw_id, SETTLED, "")
            for call in calls
            for told in seen.get(call.record.source_record_id, ())
            if told.waits and told.revision < call.raw_revision
        ]
    )


def call_table(calls: Iterable[Call], source_id: int) -> Table:
    """The calls that are new."""
    new = [_call_row(call, source_id) for call in calls if call.previous is None]
    return Table(CallRecord, CALL_COLUMNS, new)


def update_corrected(calls: Iterable[Call], source_id: int) -> None:
    """Lets the calls that a correction changes tell it as it is told now."""
    changed = [_call_row(call, source_id) for call in calls if call.previous]
    update_rows(CallRecord, "id", CALL_COLUMNS[1:], changed)


def _call_row(call: Call, source_id: int) -> tuple[object, ...]:
    record, line = call.record, call.line
    return (
        call.call_id,
        call.organisation_id,
        source_id,
        record.source_record_id,
        call.revision,
        line.id if line is not None else None,
        call.kind,
        record.direction,
        record.caller or record.caller_raw,
        record.callee or record.callee_raw,
        call.started_at,
        record.ended_at,
        record.answered_at is not None,
        record.billable_seconds,
        record.call_id,
        _flags(call),
    )


def _flags(call: Call) -> str:
    flags, word, line = call.record.flags, call.record.call_type, call.line
    if word:
        flags = f"{flags} {word_of(word).flag}".strip()
    if line is not None and not line.may_spend_credits and call.parts.credit_amount:
        return f"{flags} not_entitled".strip()
    return flags


def charge_table(calls: Iterable[Call], at: datetime) -> Table:
    """One row a call revision: the rating snapshot, and who paid which part."""
    rows = []
    for call in calls:
        line, rated = call.line, call.rated
        rows.append(
            (
                call.organisation_id,
                call.call_id,
                call.revision,
                line.id if line is not None else None,
                call.kind,
                call.local_day,
                call.currency,
                call.version_id,
                *(_snapshot(rated) if rated is not None else _FREE_SNAPSHOT),
                *call.parts,
                at,
            )
        )
    return Table(Charge, CHARGE_COLUMNS, rows)


def _snapshot(rated: RatedCall) -> tuple[object, ...]:
    rate, seconds, amount = rated
    return (rate.prefix, *rate[4:9], amount, seconds)


class UsageTotals:
    """What a batch adds to the daily totals, or takes off them."""

    def __init__(self) -> None:
        self.by_day: dict[tuple[int, date, str, str], list[int]] = {}

    def add(
        self,
        key: tuple[int, date, str, str],
        seconds: int,
        amount: Micros,
        pool_amount: Micros,
        postpaid_amount: Micros,
        *,
        calls: int = 1,
    ) -> None:
        totals = self.by_day.get(key)
        if totals is None:
            totals = self.by_day[key] = [0, 0, 0, 0, 0]
        totals[0] += calls
        totals[1] += seconds
        totals[2] += amount
        totals[3] += pool_amount
        totals[4] += postpaid_amount

    def write(self) -> None:
        """One upsert, whatever the number of days."""
        rows = [(*key, *totals) for key, totals in sorted(self.by_day.items())]
        if not rows:
            return
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                columns = list(map(array_of, zip(*rows, strict=True)))
                cursor.execute(_UPSERT.format(_FROM_ARRAYS), columns)
            else:
                text = json.dumps([[row[0], str(row[1]), *row[2:]] for row in rows])
                cursor.execute(_UPSERT.format(_FROM_JSON), [text])


_UPSERT = """
INSERT INTO calling_usageday
  (organisation_id, day, kind, currency, calls, seconds, amount, pool_amount,
   postpaid_amount)
{}
ON CONFLICT (organisation_id, day, kind, currency) DO UPDATE SET
  calls = calling_usageday.calls + excluded.calls,
  seconds = calling_usageday.seconds + excluded.seconds,
  amount = calling_usageday.amount + excluded.amount,
  pool_amount = calling_usageday.pool_amount + excluded.pool_amount,
  postpaid_amount = calling_usageday.postpaid_amount + excluded.postpaid_amount
"""
_FROM_ARRAYS = (
    "SELECT * FROM unnest(%s::bigint[], %s::date[], %s::varchar[], %s::varchar[],"
    " %s::integer[], %s::bigint[], %s::bigint[], %s::bigint[],"
    " %s::bigint[])"
)
_FROM_JSON = """SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),
  json_extract(value, '$[2]'), json_extract(value, '$[3]'),
  json_extract(value, '$[4]'), json_extract(value, '$[5]'),
  json_extract(value, '$[6]'), json_extract(value, '$[7]'),
  json_extract(value, '$[8]')
FROM json_each(%s) WHERE true"""
