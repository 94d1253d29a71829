"""Makes what calls need: sources, cards, lines, plans, records."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from djmoney.money import Money

from accounts.models import Organisation
from calling.formats.record import CallRecordIn
from calling.ingest import IngestResult, store_call_records
from calling.models import (
    Bucket,
    CallingPlan,
    Charge,
    Licence,
    Line,
    NumberAssignment,
    PlanBucket,
    PlanKind,
    Purpose,
    Rate,
    RateCard,
    RateCardVersion,
    Source,
    Subscription,
)
from calling.models.plans import ExhaustionRule, LicenceBase
from credits.issue import issue_lot
from credits.models import Lot, LotKind
from credits.money import to_micros
from tests.makers import START

_numbers = count(1)
MORNING = datetime(2026, 3, 10, 2, tzinfo=UTC)  # ten o'clock in Taipei
LATER = MORNING + timedelta(hours=6)


def make_source(slug: str = "pbx", *, home_country: str = "TW", **more: Any) -> Source:
    return Source.objects.create(
        slug=slug, name=slug, home_country=home_country, **more
    )


def make_card(
    rates: Iterable[dict[str, Any]],
    *,
    name: str = "Standard",
    currency: str = "USD",
    purpose: Purpose = Purpose.CALLING,
    organisation: Organisation | None = None,
    valid_from: datetime = START,
) -> RateCardVersion:
    """The card's next version; amounts of a rate are texts in units."""
    card, _ = RateCard.objects.get_or_create(
        name=name,
        defaults={
            "currency": currency,
            "purpose": purpose,
            "organisation": organisation,
            "is_default": organisation is None,
        },
    )
    rows = [_rate(**rate) for rate in rates]
    told = f"{name} {valid_from} {[sorted(row.items(), key=str) for row in rows]}"
    version = RateCardVersion.objects.create(
        card=card,
        number=card.versions.count() + 1,
        valid_from=valid_from,
        digest=hashlib.sha256(told.encode()).hexdigest(),
        rate_count=len(rows),
        imported_at=valid_from,
    )
    Rate.objects.bulk_create([Rate(version=version, **row) for row in rows])
    return version


def _rate(prefix: str, rate: str = "0.06", **more: Any) -> dict[str, Any]:
    for name in ("connect_fee", "minimum_charge"):
        if name in more:
            more[name] = to_micros(Decimal(more[name]))
    more.setdefault("destination", f"Place {prefix}")
    return {"prefix": prefix, "rate_per_minute": to_micros(Decimal(rate)), **more}


def make_line(
    organisation: Organisation,
    number: str = "",
    *,
    identity: str = "",
    usage_country: str = "",
    **more: Any,
) -> Line:
    identity = identity or f"line-{next(_numbers)}"
    line = Line.objects.create(
        organisation=organisation,
        name=identity,
        identity=identity,
        usage_country=usage_country or organisation.country,
        **more,
    )
    if number:
        give_number(organisation, number, line=line)
    return line


def give_number(
    organisation: Organisation,
    number: str,
    *,
    line: Line | None = None,
    service_kind: str = "",
    is_bridge: bool = False,
    starts_at: datetime = START,
    ends_at: datetime | None = None,
) -> NumberAssignment:
    return NumberAssignment.objects.create(
        organisation=organisation,
        number=number,
        line=line,
        service_kind=service_kind,
        is_bridge=is_bridge,
        starts_at=starts_at,
        ends_at=ends_at,
    )


def give_plan(
    line: Line,
    buckets: dict[Bucket, int] | None = None,
    *,
    family: str = "domestic",
    countries: Iterable[str] = (),
    quantity: int = 1,
    rule: ExhaustionRule = ExhaustionRule.INDEPENDENT,
    is_pooled: bool = True,
    base: LicenceBase = LicenceBase.ASSIGNED,
    at: datetime = START,
) -> Licence:
    """A licence of a plan with these minutes, in the organisation's billing mode."""
    organisation = line.organisation
    plan, is_new = CallingPlan.objects.get_or_create(
        family=family,
        billing_mode=organisation.billing_mode,
        price_currency="USD",
        defaults={
            "name": family,
            "slug": f"{family}-{organisation.billing_mode.lower()}",
            "kind": PlanKind.DOMESTIC,
            "price": Money("10", "USD"),
            "countries": list(countries),
            "exhaustion_rule": rule,
            "is_pooled": is_pooled,
            "licence_base": base,
        },
    )
    for bucket, minutes in (buckets or {}).items() if is_new else ():
        PlanBucket.objects.create(plan=plan, bucket=bucket, minutes=minutes)
    subscription = Subscription.objects.filter(
        organisation=organisation, plan=plan
    ).first() or Subscription.objects.create(
        organisation=organisation, plan=plan, quantity=quantity, starts_at=START
    )
    return Licence.objects.create(
        organisation=organisation, subscription=subscription, line=line, assigned_at=at
    )


def give_credit(
    organisation: Organisation, units: str, *, at: datetime = START, months: int = 12
) -> Lot:
    return issue_lot(
        organisation,
        kind=LotKind.PROMOTIONAL,
        amount=to_micros(Decimal(units)),
        reference=f"gift:{next(_numbers)}",
        months=months,
        at=at,
    )


def make_record(
    record_id: str = "",
    *,
    seconds: int = 60,
    at: datetime = MORNING,
    caller: str | None = "+886223456789",
    callee: str | None = "+81312345678",
    direction: str = "outbound",
    answered: bool = True,
    **more: Any,
) -> CallRecordIn:
    record_id = record_id or f"record-{next(_numbers)}"
    facts: dict[str, Any] = {
        "source_record_id": record_id,
        "direction": direction,
        "caller": caller,
        "callee": callee,
        "caller_raw": caller or "anonymous",
        "callee_raw": callee or "anonymous",
        "invited_at": at - timedelta(seconds=5),
        "answered_at": at if answered else None,
        "ended_at": at + timedelta(seconds=seconds),
        "billable_seconds": seconds if answered else 0,
    }
    record = CallRecordIn(**{"body": "", **facts, **more})
    record.body = record.body or _told(record)
    return record


def _told(record: CallRecordIn) -> str:
    """The record as a switch would have written it, so that it can be read again."""
    answered = record.answered_at
    return json.dumps(
        {
            "source_record_id": record.source_record_id,
            "direction": record.direction,
            "from": record.caller_raw,
            "to": record.callee_raw,
            "answered_at": answered.isoformat() if answered else None,
            "ended_at": record.ended_at.isoformat(),
            "billable_s": record.billable_seconds if answered else None,
        }
    )


def take_in(
    source: Source, *records: CallRecordIn, at: datetime = LATER
) -> IngestResult:
    return store_call_records(source, records, at=at)


def charge_of(record_id: str) -> Charge:
    """The current charge of a record."""
    charges = Charge.objects.filter(call_record__source_record_id=record_id)
    return charges.order_by("revision").last() or Charge.objects.none().get()


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """The statements inside, a run of equal INSERTs as one (SQLite writes in parts)."""
    statements: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield statements
    for query in captured.captured_queries:
        sql = query["sql"]
        is_same = statements and sql.startswith("INSERT")
        if is_same and statements[-1][:60] == sql[:60]:
            continue
        if not sql.startswith(("SAVEPOINT", "RELEASE SAVEPOINT")):
            statements.append(sql)
