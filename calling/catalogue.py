"""The demo catalogue: calling plans, each prepaid and NCE, and three rate cards.

Prices and rates are our own invention. Asked again, it finds what is there.
"""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from djmoney.money import Money

from accounts.models import BillingMode
from calling.import_rates import import_rates
from calling.models import (
    Bucket,
    CallingPlan,
    LicenceBase,
    PlanBucket,
    PlanKind,
    Purpose,
)
from calling.models.plans import ExhaustionRule

DATA = Path(__file__).parent / "data"
CURRENCY = "USD"
ZONE_1 = ["US", "PR", "CA", "GB"]
NORTH_AMERICA = ["US", "CA", "PR"]


@dataclass(frozen=True)
class Item:
    """A plan of the catalogue before it is twinned."""

    family: str
    name: str
    kind: PlanKind
    price: str
    buckets: dict[Bucket, int] = field(default_factory=dict)
    countries: list[str] = field(default_factory=list)
    requires: str = "phone-system"
    exhaustion_rule: ExhaustionRule = ExhaustionRule.INDEPENDENT
    licence_base: LicenceBase = LicenceBase.ASSIGNED


_BOTH = PlanKind.DOMESTIC_INTERNATIONAL
PLANS = (
    Item("phone-system", "Phone System", PlanKind.PHONE_SYSTEM, "8", requires=""),
    Item(
        "domestic-3000",
        "Domestic 3000",
        PlanKind.DOMESTIC,
        "12",
        {Bucket.DOMESTIC: 3000},
        NORTH_AMERICA,
    ),
    Item(
        "domestic-1200",
        "Domestic 1200",
        PlanKind.DOMESTIC,
        "12",
        {Bucket.DOMESTIC: 1200},
    ),
    Item(
        "domestic-120", "Domestic 120", PlanKind.DOMESTIC, "6", {Bucket.DOMESTIC: 120}
    ),
    Item(
        "domestic-240", "Domestic 240", PlanKind.DOMESTIC, "8", {Bucket.DOMESTIC: 240}
    ),
    Item(
        "international-3000",
        "Domestic and International 3000",
        _BOTH,
        "24",
        {Bucket.DOMESTIC: 3000, Bucket.INTERNATIONAL: 600},
        NORTH_AMERICA,
        exhaustion_rule=ExhaustionRule.ANY_EXHAUSTS_ALL,
    ),
    Item(
        "international-1200",
        "Domestic and International 1200",
        _BOTH,
        "24",
        {Bucket.DOMESTIC: 1200, Bucket.INTERNATIONAL: 600},
        exhaustion_rule=ExhaustionRule.ANY_EXHAUSTS_ALL,
    ),
    Item(
        "payg-zone-1",
        "Pay-as-you-go zone 1",
        PlanKind.PAY_AS_YOU_GO,
        "4",
        countries=ZONE_1,
    ),
    Item("payg-zone-2", "Pay-as-you-go zone 2", PlanKind.PAY_AS_YOU_GO, "6"),
    Item(
        "audio-conferencing",
        "Audio Conferencing",
        PlanKind.AUDIO_CONFERENCING,
        "4",
        {Bucket.CONFERENCE: 60},
        requires="",
        licence_base=LicenceBase.PURCHASED,
    ),
)
DECKS = (
    ("Standard calling", Purpose.CALLING, "demo_calling.csv"),
    ("Standard conference", Purpose.CONFERENCE, "demo_conference.csv"),
    ("Standard toll-free", Purpose.TOLL_FREE_IN, "demo_toll_free_in.csv"),
)


def seed_catalogue(*, at: datetime) -> None:
    """Plans for sale, and rate cards in force from this moment."""
    for item in PLANS:
        for mode in BillingMode:
            _seed_plan(item, mode)
    for name, purpose, file in DECKS:
        import_rates(
            (DATA / file).read_bytes(),
            card_name=name,
            currency=CURRENCY,
            purpose=purpose.value,
            origin=file,
            at=at,
        )


def _seed_plan(item: Item, mode: BillingMode) -> None:
    is_nce = mode is BillingMode.NCE
    plan, is_new = CallingPlan.objects.get_or_create(
        slug=f"{item.family}-{mode.value.lower()}",
        defaults={
            "name": f"{item.name} (NCE)" if is_nce else item.name,
            "family": item.family,
            "kind": item.kind,
            "billing_mode": mode,
            "countries": item.countries,
            "price": Money(item.price, CURRENCY),
            "requires": item.requires,
            "exhaustion_rule": item.exhaustion_rule,
            "licence_base": item.licence_base,
        },
    )
    if is_new:
        for bucket, minutes in item.buckets.items():
            PlanBucket.objects.create(plan=plan, bucket=bucket, minutes=minutes)
