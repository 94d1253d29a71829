"""Imports a rate deck as new versions of a card (rule 6.1).

The whole card is replaced, or changes are laid over it: a version is in force from its
date until the next one's, and past calls keep the prices of theirs. Prices that hold
only later make a version of their own. The same rates again make none. Good rows are
kept; bad ones are counted, and the first ten thousand reported and put into quarantine.
Rows are read, compared and written one after the other: what is held of a deck is its
prefixes and prices. Locks the card.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from calling.decks.record import NO_HINTS, BadDeck, BadRows, DeckRow, Hints, RateIn
from calling.decks.registry import PROFILES
from calling.models import DeckMode, RateCard, RateCardVersion
from calling.plan_versions import PlannedVersion, plan_versions
from calling.price_rises import check_notice
from calling.reject import reject_rows
from calling.write_rates import (
    VersionRates,
    digest_of,
    facts_of,
    next_number,
    read_rates,
    version_in_force,
    write_version,
)
from credits.money import currency_of


@dataclass(frozen=True)
class Deck:
    """A file and how it is to be read; `origin` names it in the quarantine.

    `tell` hears the line of each row as it is read.
    """

    raw: bytes
    profile: str = "tollgate"
    hints: Hints = NO_HINTS
    mode: DeckMode = DeckMode.FULL
    origin: str = ""
    tell: Callable[[int], None] | None = None


@dataclass
class ImportedRates:
    """What an import did, or in a dry run would do, to a card."""

    card: str
    version: int
    new: int = 0
    changed: int = 0
    removed: int = 0
    rejected: BadRows = field(default_factory=BadRows)
    versions: list[RateCardVersion] = field(default_factory=list)


@dataclass(frozen=True)
class PlannedImport:
    """A deck held against a card; nothing is written yet."""

    card: RateCard
    before: VersionRates
    versions: list[PlannedVersion]
    rejected: BadRows

    @property
    def after(self) -> Mapping[str, RateIn]:
        """The rates once all of it is in force; as before if nothing could be read."""
        return self.versions[-1].rates if self.versions else self.before.rates


def import_rates(
    raw: bytes,
    *,
    card_name: str,
    currency: str,
    purpose: str,
    at: datetime,
    profile: str = "tollgate",
    hints: Hints = NO_HINTS,
    mode: DeckMode = DeckMode.FULL,
    organisation: Organisation | None = None,
    valid_from: datetime | None = None,
    origin: str = "",
    tell: Callable[[int], None] | None = None,
    dry_run: bool = False,
) -> ImportedRates:
    """Makes the next version of the card; raises BadDeck when nothing can be read."""
    deck = Deck(raw, profile, hints, mode, origin, tell)
    with transaction.atomic():
        card = find_card(
            card_name, currency, purpose, organisation=organisation, make=not dry_run
        )
        planned = plan_import(deck, card, starts_at=valid_from or at)
        return counted(planned) if dry_run else carry_out(planned, deck, at=at)


def plan_import(deck: Deck, card: RateCard, *, starts_at: datetime) -> PlannedImport:
    """What the deck would make of the card from this moment on."""
    before = read_rates(version_in_force(card, starts_at))
    changes_only = deck.mode is DeckMode.CHANGES
    if changes_only and before.version is None:
        raise BadDeck("The card has no rates yet that a deck of changes could change.")
    rows = PROFILES[deck.profile](deck.raw, card.currency, card.purpose, deck.hints)
    versions, bad = plan_versions(
        _told(rows, deck.tell),
        before.rates,
        starts_at=starts_at,
        changes_only=changes_only,
    )
    return PlannedImport(card, before, versions, bad)


def _told(
    rows: Iterator[DeckRow], tell: Callable[[int], None] | None
) -> Iterator[DeckRow]:
    for row in rows:
        if tell is not None:
            tell(row.line)
        yield row


def carry_out(planned: PlannedImport, deck: Deck, *, at: datetime) -> ImportedRates:
    """Writes the versions that say something new; the caller holds the card's lock.

    Raises RiseWithoutNotice where a price rises sooner than the card promises.
    """
    reject_rows(planned.rejected, origin=deck.origin, at=at)
    result = counted(planned)
    for one in planned.versions:
        before = version_in_force(planned.card, one.valid_from)
        if before is None or before.digest != digest_of(one.rates):
            held = read_rates(before)
            check_notice(
                planned.card, held.rates, one.rates, valid_from=one.valid_from, at=at
            )
            version = write_version(
                planned.card,
                one.rates,
                before=held,
                valid_from=one.valid_from,
                at=at,
            )
            result.versions.append(version)
    if planned.versions:
        last = version_in_force(planned.card, planned.versions[-1].valid_from)
        result.version = last.number if last is not None else 0
    return result


def find_card(
    name: str,
    currency: str,
    purpose: str,
    *,
    organisation: Organisation | None = None,
    make: bool = True,
) -> RateCard:
    """The card of this name, locked; made if there is none and `make` says so."""
    currency_of(currency)
    card = RateCard.objects.select_for_update().filter(name=name).first()
    if card is None:
        return _new_card(name, currency, purpose, organisation, make=make)
    if (card.currency, card.purpose) != (currency, purpose):
        raise ValidationError(
            _("%(card)s is a card in %(currency)s for %(purpose)s."),
            "another_card",
            {
                "card": card.name,
                "currency": card.currency,
                "purpose": card.get_purpose_display(),
            },
        )
    if organisation is not None and card.organisation_id != organisation.pk:
        raise ValidationError(
            _("%(card)s is not the card of %(organisation)s."),
            "another_card",
            {"card": card.name, "organisation": organisation.name},
        )
    return card


def _new_card(
    name: str,
    currency: str,
    purpose: str,
    organisation: Organisation | None,
    *,
    make: bool,
) -> RateCard:
    others = RateCard.objects.filter(
        currency=currency, purpose=purpose, is_default=True
    )
    card = RateCard(
        name=name,
        currency=currency,
        purpose=purpose,
        organisation=organisation,
        # The first card of a currency and purpose is its default; staff may choose.
        is_default=organisation is None and not others.exists(),
    )
    if organisation is not None and organisation.currency != currency:
        raise ValidationError(
            _("%(organisation)s pays in %(currency)s."),
            "other_currency",
            {"organisation": organisation.name, "currency": organisation.currency},
        )
    if make:
        card.validate_constraints()
        card.save()
    return card


def counted(planned: PlannedImport) -> ImportedRates:
    """What the import does, in numbers."""
    old, new = planned.before.rates, planned.after
    both = changed = 0
    for prefix in new:
        if prefix in old:
            both += 1
            changed += facts_of(old[prefix]) != facts_of(new[prefix])
    version = planned.before.version
    result = ImportedRates(
        card=planned.card.name,
        version=version.number if version is not None else 0,
        new=len(new) - both,
        changed=changed,
        removed=len(old) - both,
        rejected=planned.rejected,
    )
    if result.new or result.changed or result.removed:
        result.version = next_number(planned.card) - 1 + len(planned.versions)
    return result
