"""Which rate card version prices a call: the organisation's own, else the default.

One query finds the versions of a batch's currencies; their tables are kept in memory,
so a card is read from the database once per version and process (rule 6.1).
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q

from calling.models import RateCardVersion
from calling.rate_table import RateTable, rate_table


class Version(NamedTuple):
    """One version of a card, in force from a moment on."""

    id: int
    digest: str
    valid_from: datetime
    organisation_id: int | None
    currency: str
    purpose: str


class Cards:
    """The card versions a batch may be priced by, newest first."""

    def __init__(self, versions: Collection[Version]) -> None:
        self.loaded: dict[int, RateTable] = {}
        self.own: dict[tuple[int, str], list[Version]] = {}
        self.default: dict[tuple[str, str], list[Version]] = {}
        for version in versions:
            if version.organisation_id is None:
                key = (version.currency, version.purpose)
                self.default.setdefault(key, []).append(version)
            else:
                own_key = (version.organisation_id, version.purpose)
                self.own.setdefault(own_key, []).append(version)

    def add(self, other: "Cards") -> None:
        """Knows the cards of other organisations or currencies too."""
        self.own |= other.own
        self.default |= other.default

    def table(
        self, organisation_id: int, currency: str, purpose: str, at: datetime
    ) -> RateTable | None:
        """The rates in force for an organisation at call start, None without a card."""
        found = self.version(organisation_id, currency, purpose, at)
        return self.table_of(found) if found is not None else None

    def table_of(self, version: Version) -> RateTable:
        return self.loaded.get(version.id) or rate_table(version.id, version.digest)

    def load(self, first: datetime, last: datetime) -> None:
        """Has in memory what prices calls between two moments, so nobody need query."""
        for versions in (*self.own.values(), *self.default.values()):
            for version in versions:
                if version.valid_from <= last:
                    self.loaded[version.id] = self.table_of(version)
                if version.valid_from <= first:
                    break

    def version(
        self, organisation_id: int, currency: str, purpose: str, at: datetime
    ) -> Version | None:
        """The version that prices: of the organisation's own card, else the default."""
        if self.own:
            own = self.own.get((organisation_id, purpose), ())
            found = _in_force(own, at)
            if found is not None:
                return found
        return _in_force(self.default.get((currency, purpose), ()), at)

    def dates_after(
        self, organisation_id: int, currency: str, purpose: str, at: datetime
    ) -> list[datetime]:
        """When other versions, own or default, come into force; soonest first."""
        both = [
            *self.own.get((organisation_id, purpose), ()),
            *self.default.get((currency, purpose), ()),
        ]
        return sorted({one.valid_from for one in both if one.valid_from > at})


def _in_force(versions: Collection[Version], at: datetime) -> Version | None:
    for version in versions:
        if version.valid_from <= at:
            return version
    return None


def read_cards(organisation_ids: Collection[int], currencies: Collection[str]) -> Cards:
    """The versions of the currencies' default cards and the organisations' own."""
    wanted = Q(card__is_default=True, card__currency__in=set(currencies))
    wanted |= Q(card__organisation__among=set(organisation_ids))
    rows = (
        RateCardVersion.objects.filter(wanted)
        .order_by("-valid_from", "-number")
        .values_list(
            "pk",
            "digest",
            "valid_from",
            "card__organisation_id",
            "card__currency",
            "card__purpose",
        )
    )
    return Cards([Version(*row) for row in rows])
