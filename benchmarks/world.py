"""The seeded world of every run: the same seed gives the same bytes.

1,000 prepaid organisations, each with a line, five numbers, three lots and a plan that
gives two small minute pools; one source, one rate card of some 5,000 prefixes, and
files of call records in generic JSON. Every call is answered and costs money; both
pools and the first two lots of each organisation run out on the way, so calls cross
from pool to lot and from lot to lot.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from accounts.models import BillingMode, BillingModePeriod, Organisation
from calling.models import (
    Bucket,
    CallingPlan,
    Licence,
    Line,
    MinutePool,
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
from calling.pool_size import period_of
from credits.lock import lock_wallets
from credits.models import EntryKind, Lot, LotKind, Wallet
from credits.post import EntryDraft, post_entries

SEED = 20260101
ORGANISATIONS = 1_000
NUMBERS_EACH = 5
OPENED = datetime(2026, 1, 1, tzinfo=UTC)
DAY = datetime(2026, 3, 2, tzinfo=UTC)
BOOKED = datetime(2026, 3, 3, 1, tzinfo=UTC)  # the `at` of every run
PLAN: dict[str, Any] = {
    "name": "Bench 30",
    "slug": "bench-30",
    "family": "bench",
    "kind": PlanKind.DOMESTIC_INTERNATIONAL,
    "billing_mode": BillingMode.PREPAID,
    "price": Decimal(5),
    "price_currency": "USD",
}
# What the lots hold in USD: two that a day of calls uses up, one that lasts.
LOTS = (20, 30, 1_000_000)
BATCH = 10_000
ADJUSTED_AT_ONCE = 100_000
# Leading digits and the length of the whole number, country, type.
DESTINATIONS = (
    ("8190", 12, "JP", "mobile"),
    ("813", 11, "JP", "fixed"),
    ("1212", 11, "US", "fixed"),
    ("1415", 11, "US", "fixed"),
    ("44207", 12, "GB", "fixed"),
    ("4477", 12, "GB", "mobile"),
    ("4930", 11, "DE", "fixed"),
    ("614", 11, "AU", "mobile"),
    ("8210", 12, "KR", "mobile"),
    ("8529", 11, "HK", "mobile"),
    ("659", 10, "SG", "mobile"),
    ("336", 11, "FR", "mobile"),
    ("8869", 12, "TW", "mobile"),  # domestic
)


def build_world() -> None:
    """Migrates the empty database and fills it."""
    from django.core.management import call_command  # Django must be set up first

    call_command("migrate", verbosity=0)
    with transaction.atomic():
        organisations = make_organisations()
        make_lots(organisations, LOTS, name="bench", after=timedelta(days=200))
        make_plans(make_numbers(organisations))
        make_rates()
        Source.objects.create(slug="bench", name="Benchmark", home_country="TW")


def make_organisations() -> list[Organisation]:
    organisations = Organisation.objects.bulk_create(
        Organisation(
            name=f"Organisation {number}",
            slug=f"org-{number}",
            account_code=account_code(number),
            country="TW",
            currency="USD",
            time_zone="Asia/Taipei",
            billing_email=f"billing@org-{number}.example",
            terms_version="1",
            opened_at=OPENED,
        )
        for number in range(ORGANISATIONS)
    )
    BillingModePeriod.objects.bulk_create(
        BillingModePeriod(
            organisation=organisation,
            billing_mode=organisation.billing_mode,
            starts_at=OPENED,
        )
        for organisation in organisations
    )
    Wallet.objects.bulk_create(
        Wallet(organisation=organisation, currency="USD")
        for organisation in organisations
    )
    return organisations


def make_lots(
    organisations: list[Organisation],
    amounts: Sequence[int],
    *,
    name: str,
    after: timedelta,
) -> None:
    """Promotional lots for each, which need no sale row; the first expires first."""
    lots = Lot.objects.bulk_create(
        Lot(
            organisation=organisation,
            kind=LotKind.PROMOTIONAL,
            currency="USD",
            original=units * 1_000_000,
            issued_at=OPENED,
            time_zone=organisation.time_zone,
            expires_at=OPENED + after + timedelta(days=30) * number / len(amounts),
            exhausted_at=OPENED,  # a lot is born empty; its entry fills it
            reference=f"{name}:{number}",
        )
        for number, units in enumerate(amounts)
        for organisation in organisations
    )
    drafts = [
        EntryDraft(
            organisation_id=lot.organisation_id,
            kind=EntryKind.PROMOTIONAL,
            lot_id=lot.pk,
            amount=lot.original,
            reference=lot.reference,
            event_at=OPENED,
        )
        for lot in lots
    ]
    wallets = lock_wallets(organisation.pk for organisation in organisations)
    post_entries(wallets, drafts, at=OPENED)


def make_adjustments(entries: int) -> None:
    """So many entries of a micro each, off the last lot of each organisation."""
    lots = Lot.objects.order_by("organisation_id", "-expires_at")
    last = {lot.organisation_id: lot.pk for lot in reversed(lots)}
    for first in range(0, entries, ADJUSTED_AT_ONCE):
        drafts = [
            EntryDraft(pk, EntryKind.ADJUST.value, lot, -1, f"old:{number}", OPENED)
            for pk, lot in sorted(last.items())
            for number in range(first, first + ADJUSTED_AT_ONCE, ORGANISATIONS)
        ]
        with transaction.atomic():
            post_entries(lock_wallets(last), drafts, at=OPENED)


def make_numbers(organisations: list[Organisation]) -> list[Line]:
    lines = Line.objects.bulk_create(
        Line(
            organisation=organisation,
            name="Front desk",
            identity="desk",
            usage_country="TW",
        )
        for organisation in organisations
    )
    NumberAssignment.objects.bulk_create(
        NumberAssignment(
            organisation=line.organisation,
            line=line,
            number=own_number(index, number),
            starts_at=OPENED,
        )
        for index, line in enumerate(lines)
        for number in range(NUMBERS_EACH)
    )
    return lines


def make_plans(lines: list[Line]) -> None:
    """A licence each of a plan with 30 domestic and 30 international minutes."""
    plan = CallingPlan.objects.create(**PLAN)
    for bucket in (Bucket.DOMESTIC, Bucket.INTERNATIONAL):
        PlanBucket.objects.create(plan=plan, bucket=bucket, minutes=30)
    subscriptions = Subscription.objects.bulk_create(
        Subscription(
            organisation=line.organisation,
            plan=plan,
            billing_mode=plan.billing_mode,
            quantity=1,
            starts_at=OPENED,
        )
        for line in lines
    )
    Licence.objects.bulk_create(
        Licence(
            organisation=line.organisation,
            subscription=subscription,
            line=line,
            assigned_at=OPENED,
        )
        for line, subscription in zip(lines, subscriptions, strict=True)
    )
    make_pools(lines)


def make_pools(lines: list[Line]) -> None:
    """The month is under way: its pools, made with its first calls, are there."""
    month = period_of(DAY.date().replace(day=1), ZoneInfo("Asia/Taipei"))
    MinutePool.objects.bulk_create(
        MinutePool(
            organisation=line.organisation,
            usage_country=line.usage_country,
            family="bench",
            bucket=bucket,
            period_start=DAY.date().replace(day=1),
            starts_at=month.starts_at,
            ends_at=month.ends_at,
            granted_seconds=1800,
            remaining_seconds=1800,
        )
        for line in lines
        for bucket in (Bucket.DOMESTIC, Bucket.INTERNATIONAL)
    )


def make_rates() -> None:
    chance = random.Random(SEED)
    card = RateCard.objects.create(
        name="Benchmark", currency="USD", purpose=Purpose.CALLING, is_default=True
    )
    prefixes = dict.fromkeys(prefixes_with_types())
    version = RateCardVersion.objects.create(
        card=card,
        number=1,
        valid_from=OPENED,
        digest="bench",
        rate_count=len(prefixes),
        imported_at=OPENED,
    )
    Rate.objects.bulk_create(
        Rate(
            version=version,
            prefix=prefix,
            destination=f"{country} {number_type} {prefix}",
            country=country,
            number_type=number_type,
            rate_per_minute=chance.randrange(10_000, 300_000),
            interval_1=chance.choice((1, 6, 60)),
            interval_n=chance.choice((1, 6, 60)),
        )
        for prefix, country, number_type in prefixes
    )


def prefixes_with_types() -> Iterator[tuple[str, str, str]]:
    """Each destination, and finer prefixes below it, as decks have them."""
    for head, _length, country, number_type in DESTINATIONS:
        yield head, country, number_type
        for finer in range(400):
            yield f"{head}{finer}", country, number_type


def account_code(number: int) -> str:
    return f"ORG-{number:04d}"


def own_number(organisation: int, number: int) -> str:
    return f"+8862{20_000_000 + organisation * NUMBERS_EACH + number}"


def calls_file(calls: int, *, owner: int | None = None, seed: int = SEED) -> bytes:
    """A day's file of generic JSON, a call to a line, in the order they started."""
    chance = random.Random(seed)
    lines = (_line(chance, number, calls, owner) for number in range(calls))
    return "".join(lines).encode()


def _line(chance: random.Random, number: int, calls: int, owner: int | None) -> str:
    organisation = chance.randrange(ORGANISATIONS)
    if owner is not None:
        organisation = owner
    caller = own_number(organisation, chance.randrange(NUMBERS_EACH))
    head, length, _country, _number_type = chance.choice(DESTINATIONS)
    rest = length - len(head)
    callee = f"+{head}{chance.randrange(2 * 10 ** (rest - 1), 10**rest)}"
    answered = DAY + timedelta(seconds=number * 80_000 // calls)
    seconds = chance.randrange(1, 900)
    ended = answered + timedelta(seconds=seconds)
    return (
        f'{{"source_record_id":"day-{number:08d}","direction":"outbound",'
        f'"from":"{caller}","to":"{callee}",'
        f'"answered_at":"{answered:%Y-%m-%dT%H:%M:%SZ}",'
        f'"ended_at":"{ended:%Y-%m-%dT%H:%M:%SZ}",'
        f'"billable_s":{seconds},"account_code":"{account_code(organisation)}"}}\n'
    )
