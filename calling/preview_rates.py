"""Shows what a deck or an older version would do to a card, and does none of it.

Command and staff page show the same: counts, the biggest changes, prefixes that lose
their price, last month's calls at the new prices, and which versions wait already.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from calling.compare_rates import Difference, compare_rates
from calling.import_rates import Deck, ImportedRates, counted, plan_import
from calling.models import RateCard, RateCardVersion
from calling.reprice_traffic import RepricedTraffic, reprice_traffic
from calling.write_rates import read_rates, scheduled_versions, version_in_force


@dataclass(frozen=True)
class Preview:
    """`basis` is the version it was compared with; None before a card's first."""

    card: RateCard
    basis: RateCardVersion | None
    dates: list[datetime]
    difference: Difference
    traffic: RepricedTraffic
    counts: ImportedRates
    scheduled: list[RateCardVersion]


def preview_deck(
    deck: Deck, card: RateCard, *, valid_from: datetime | None, at: datetime
) -> Preview:
    """What activating the deck would change; raises BadDeck where it cannot be read."""
    starts_at = valid_from or at
    with transaction.atomic():
        planned = plan_import(deck, card, starts_at=starts_at)
        dates = [version.valid_from for version in planned.versions]
        return Preview(
            card,
            planned.before.version,
            dates,
            compare_rates(planned.before.rates, planned.after),
            reprice_traffic(
                card,
                planned.after,
                at=at,
                valid_from=dates[-1] if dates else starts_at,
            ),
            counted(planned),
            scheduled_versions(card, starts_at),
        )


def preview_version(
    version: RateCardVersion, *, valid_from: datetime | None, at: datetime
) -> Preview:
    """What rolling back to an older version would change."""
    starts_at = valid_from or at
    card = version.card
    before = read_rates(version_in_force(card, starts_at))
    after = read_rates(version)
    return Preview(
        card,
        before.version,
        [starts_at],
        compare_rates(before.rates, after.rates),
        reprice_traffic(card, after.rates, at=at, valid_from=starts_at),
        ImportedRates(card.name, version.number),
        scheduled_versions(card, starts_at),
    )
