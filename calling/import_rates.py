"""Imports a rate deck as a new version of a card (rule 6.1).

The whole card is replaced: the version is in force from `valid_from` until the next
one, and past calls keep the prices of theirs. The same rates again make no version.
Good rows are kept, bad ones are reported and go to the quarantine. Locks the card.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from calling.decks.record import DeckError, DeckRow, RateIn
from calling.decks.registry import PROFILES
from calling.models import Rate, RateCard, RateCardVersion
from calling.reject import reject_rows
from credits.bulk import insert_rows
from credits.money import currency_of

COLUMNS = (
    "version_id",
    "prefix",
    "destination",
    "country",
    "number_type",
    "rate_per_minute",
    "connect_fee",
    "interval_1",
    "interval_n",
    "minimum_charge",
    "is_blocked",
    "valid_from",
    "valid_to",
    "unmapped",
)
COMPARED = COLUMNS[2:]


@dataclass
class ImportedRates:
    """What an import did, or with `dry_run` would do, to a card."""

    card: str
    version: int
    new: int = 0
    changed: int = 0
    removed: int = 0
    rejected: list[DeckError] = field(default_factory=list)


def import_rates(
    raw: bytes,
    *,
    card_name: str,
    currency: str,
    purpose: str,
    at: datetime,
    profile: str = "tollgate",
    valid_from: datetime | None = None,
    origin: str = "",
    dry_run: bool = False,
) -> ImportedRates:
    """Makes the next version of the card; raises BadDeck when nothing can be read."""
    currency_of(currency)
    good, bad = _sort_out(PROFILES[profile](raw, currency, purpose))
    with transaction.atomic():
        if not dry_run:
            reject_rows(bad, origin=origin, at=at)
        card = _card(card_name, currency, purpose, dry_run=dry_run)
        latest = card.versions.order_by("number").last() if card.pk else None
        before = _rates_of(latest)
        result = _compare(card, latest, before, good)
        result.rejected = bad
        digest = _digest(good.values())
        if not good or (latest is not None and latest.digest == digest):
            return result
        result.version += 1
        if not dry_run:
            _write(
                card,
                result.version,
                good,
                digest=digest,
                valid_from=valid_from if valid_from is not None else at,
                at=at,
            )
    return result


def _sort_out(rows: Iterable[DeckRow]) -> tuple[dict[str, RateIn], list[DeckError]]:
    """Rates by prefix, and the rows that are refused; of two the first is kept."""
    good: dict[str, RateIn] = {}
    bad: list[DeckError] = []
    for row in rows:
        if isinstance(row, DeckError):
            bad.append(row)
        elif row.prefix in good:
            first = good[row.prefix].line
            reason = f"prefix {row.prefix} is in line {first} already."
            bad.append(DeckError(row.line, reason, f"{row.prefix} {row.destination}"))
        else:
            good[row.prefix] = row
    return good, bad


def _card(name: str, currency: str, purpose: str, *, dry_run: bool) -> RateCard:
    card = RateCard.objects.select_for_update().filter(name=name).first()
    if card is None:
        others = RateCard.objects.filter(
            currency=currency, purpose=purpose, is_default=True
        )
        # The first card of a currency and purpose is its default; staff may choose.
        card = RateCard(
            name=name,
            currency=currency,
            purpose=purpose,
            is_default=not others.exists(),
        )
        if not dry_run:
            card.save()
    elif (card.currency, card.purpose) != (currency, purpose):
        raise ValidationError(
            _("%(card)s is a card in %(currency)s for %(purpose)s."),
            "another_card",
            {
                "card": card.name,
                "currency": card.currency,
                "purpose": card.get_purpose_display(),
            },
        )
    return card


def _rates_of(version: RateCardVersion | None) -> dict[str, tuple[object, ...]]:
    if version is None:
        return {}
    rows = version.rates.values_list("prefix", *COMPARED)
    return {prefix: tuple(rest) for prefix, *rest in rows.iterator()}


def _facts(rate: RateIn) -> tuple[object, ...]:
    return tuple(getattr(rate, name) for name in COMPARED)


def _compare(
    card: RateCard,
    latest: RateCardVersion | None,
    before: Mapping[str, tuple[object, ...]],
    good: Mapping[str, RateIn],
) -> ImportedRates:
    both = before.keys() & good.keys()
    return ImportedRates(
        card=card.name,
        version=latest.number if latest is not None else 0,
        new=len(good) - len(both),
        changed=sum(before[prefix] != _facts(good[prefix]) for prefix in both),
        removed=len(before) - len(both) if good else 0,
    )


def _digest(rates: Iterable[RateIn]) -> str:
    """Of the rates, not of the file: a new comment or order is no new price."""
    told = sorted(f"{rate.prefix} {_facts(rate)}" for rate in rates)
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _write(
    card: RateCard,
    number: int,
    good: Mapping[str, RateIn],
    *,
    digest: str,
    valid_from: datetime,
    at: datetime,
) -> None:
    version = RateCardVersion.objects.create(
        card=card,
        number=number,
        valid_from=valid_from,
        digest=digest,
        rate_count=len(good),
        imported_at=at,
    )
    rows: list[tuple[object, ...]] = []
    for prefix, rate in good.items():
        *facts, unmapped = _facts(rate)
        text = json.dumps(unmapped) if unmapped else None
        rows.append((version.pk, prefix, *facts, text))
    insert_rows(Rate, COLUMNS, rows)
