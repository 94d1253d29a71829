"""Tells customers from which day on they pay more (rules 6.1 and 11).

A sweep over versions that nobody looked at yet: whoever the card prices is told once of
each version that raises a price, with the day it holds from and the largest rise. A
version that another replaced before it held tells nothing. Many customers are told in
several runs; a version is done when all of them are.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse

from accounts.models import Notice, NoticeKind, Organisation
from accounts.notify import owe_notice
from calling.compare_rates import PriceChange
from calling.models import RateCard, RateCardVersion
from calling.price_rises import rises_of
from calling.write_rates import read_rates, version_in_force

VERSIONS_AT_MOST = 20
ORGANISATIONS_AT_MOST = 500


def tell_rate_rises(at: datetime) -> int:
    """How many organisations were told; leaves the rest to the next call."""
    left = ORGANISATIONS_AT_MOST
    untold = RateCardVersion.objects.filter(told_at=None).select_related("card")
    for version in untold.order_by("pk")[:VERSIONS_AT_MOST]:
        left -= _tell(version, left, at)
        if left <= 0:
            break
    return ORGANISATIONS_AT_MOST - left


def _tell(version: RateCardVersion, most: int, at: datetime) -> int:
    rises = _rises(version)
    organisations = (
        list(_concerned(version).exclude(Exists(_told(version)))[: most + 1])
        if rises
        else []
    )
    for organisation in organisations[:most]:
        with transaction.atomic():
            _owe(organisation, version, rises, at)
    if len(organisations) <= most:
        RateCardVersion.objects.filter(pk=version.pk).update(told_at=at)
    return min(len(organisations), most)


def _rises(version: RateCardVersion) -> list[PriceChange]:
    """What it raises, against what its customers paid the moment before."""
    replaced = version.card.versions.filter(
        valid_from=version.valid_from, number__gt=version.number
    )
    before = _before(version)
    if before is None or replaced.exists():
        return []
    return rises_of(read_rates(before).rates, read_rates(version).rates)


def _before(version: RateCardVersion) -> RateCardVersion | None:
    earlier = version.card.versions.filter(valid_from__lt=version.valid_from)
    found = earlier.order_by("-valid_from", "-number").first()
    if found is not None or version.card.organisation_id is None:
        return found
    # A card of one's own takes the default's place.
    default = RateCard.objects.filter(
        currency=version.card.currency, purpose=version.card.purpose, is_default=True
    ).first()
    return version_in_force(default, version.valid_from) if default else None


def _concerned(version: RateCardVersion) -> QuerySet[Organisation]:
    card = version.card
    everybody = Organisation.objects.filter(wallet__isnull=False).order_by("pk")
    if card.organisation_id is not None:
        return everybody.filter(pk=card.organisation_id)
    if not card.is_default:
        return everybody.none()
    own = RateCardVersion.objects.filter(
        card__organisation=OuterRef("pk"),
        card__purpose=card.purpose,
        valid_from__lte=version.valid_from,
    )
    return everybody.filter(~Exists(own), currency=card.currency)


def _told(version: RateCardVersion) -> QuerySet[Notice]:
    return Notice.objects.filter(
        organisation=OuterRef("pk"),
        kind=NoticeKind.RATES_CHANGE,
        episode__startswith=f"rates:{version.pk}:",
    )


def _owe(
    organisation: Organisation,
    version: RateCardVersion,
    rises: list[PriceChange],
    at: datetime,
) -> None:
    largest = rises[0]
    owe_notice(
        NoticeKind.RATES_CHANGE,
        organisation=organisation,
        episode=f"rates:{version.pk}:{organisation.pk}",
        context={
            "valid_from": version.valid_from.isoformat(),
            "dearer": len(rises),
            "destination": largest.destination,
            "before": largest.before,
            "after": largest.after,
            "currency": version.card.currency,
            "path": reverse("rates"),
        },
        at=at,
    )
