"""Tells customers from which day on they pay more (rules 6.1 and 11).

A sweep over versions, and over choices of a default card, that nobody looked at yet:
whoever the card prices is told once of each that raises a price, with the day it holds
from and the largest rise. A version that another replaced before it held tells nothing.
Many customers are told in several runs; a version is done when all of them are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse

from accounts.models import Notice, NoticeKind, Organisation
from accounts.notify import owe_notice
from calling.compare_rates import PriceChange
from calling.models import DefaultCardChoice, RateCard, RateCardVersion
from calling.price_rises import rises_of
from calling.write_rates import read_rates, version_in_force

VERSIONS_AT_MOST = 20
ORGANISATIONS_AT_MOST = 500


@dataclass(frozen=True)
class NewPrices:
    """What a card's customers pay from a moment on, and what they paid until then."""

    row: RateCardVersion | DefaultCardChoice
    card: RateCard
    before: RateCardVersion | None
    after: RateCardVersion
    starts_at: datetime
    episode: str

    def rises(self) -> list[PriceChange]:
        if self.before is None:
            return []
        return rises_of(read_rates(self.before).rates, read_rates(self.after).rates)


def tell_rate_rises(at: datetime) -> int:
    """How many organisations were told; leaves the rest to the next call."""
    left = ORGANISATIONS_AT_MOST
    for prices in _untold():
        left -= _tell(prices, left, at)
        if left <= 0:
            break
    return ORGANISATIONS_AT_MOST - left


def _untold() -> Iterator[NewPrices]:
    versions = RateCardVersion.objects.filter(told_at=None).select_related("card")
    for version in versions.order_by("pk")[:VERSIONS_AT_MOST]:
        yield NewPrices(
            version,
            version.card,
            _before(version),
            version,
            version.valid_from,
            f"rates:{version.pk}:",
        )
    choices = DefaultCardChoice.objects.filter(told_at=None).select_related(
        "card", "before", "after"
    )
    for choice in choices.order_by("pk")[:VERSIONS_AT_MOST]:
        yield NewPrices(
            choice,
            choice.card,
            choice.before,
            choice.after,
            choice.chosen_at,
            f"default:{choice.pk}:{choice.chosen_at:%Y-%m-%dT%H:%M:%S}:",
        )


def _tell(prices: NewPrices, most: int, at: datetime) -> int:
    rises = prices.rises()
    organisations = (
        list(_concerned(prices).exclude(Exists(_told(prices)))[: most + 1])
        if rises
        else []
    )
    for organisation in organisations[:most]:
        with transaction.atomic():
            _owe(organisation, prices, rises, at)
    if len(organisations) <= most:
        prices.row.mark_told(at)
    return min(len(organisations), most)


def _before(version: RateCardVersion) -> RateCardVersion | None:
    """What priced the card's customers the moment before; None where nobody asks."""
    replaced = version.card.versions.filter(
        valid_from=version.valid_from, number__gt=version.number
    )
    if replaced.exists():
        return None
    earlier = version.card.versions.filter(valid_from__lt=version.valid_from)
    found = earlier.order_by("-valid_from", "-number").first()
    if found is not None or version.card.organisation_id is None:
        return found
    # A card of one's own takes the default's place.
    default = RateCard.objects.filter(
        currency=version.card.currency, purpose=version.card.purpose, is_default=True
    ).first()
    return version_in_force(default, version.valid_from) if default else None


def _concerned(prices: NewPrices) -> QuerySet[Organisation]:
    card = prices.card
    everybody = Organisation.objects.filter(wallet__isnull=False).order_by("pk")
    if card.organisation_id is not None:
        return everybody.filter(pk=card.organisation_id)
    if not card.is_default:
        return everybody.none()
    own = RateCardVersion.objects.filter(
        card__organisation=OuterRef("pk"),
        card__purpose=card.purpose,
        valid_from__lte=prices.starts_at,
    )
    return everybody.filter(~Exists(own), currency=card.currency)


def _told(prices: NewPrices) -> QuerySet[Notice]:
    return Notice.objects.filter(
        organisation=OuterRef("pk"),
        kind=NoticeKind.RATES_CHANGE,
        episode__startswith=prices.episode,
    )


def _owe(
    organisation: Organisation,
    prices: NewPrices,
    rises: list[PriceChange],
    at: datetime,
) -> None:
    largest = rises[0]
    owe_notice(
        NoticeKind.RATES_CHANGE,
        organisation=organisation,
        episode=f"{prices.episode}{organisation.pk}",
        context={
            "valid_from": prices.starts_at.isoformat(),
            "dearer": len(rises),
            "destination": largest.destination,
            "before": largest.before,
            "after": largest.after,
            "currency": prices.card.currency,
            "path": reverse("rates"),
        },
        at=at,
    )
