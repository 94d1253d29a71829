"""What holds for all calls of an organisation between two moments (rules 6.1, 8, 12).

Its billing mode, its local day and the card that prices its outgoing calls. They are
looked up once for the organisation and not for every call: most calls of a batch share
them with the call before.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from calling.cards import Cards
from calling.kinds import CALLING
from calling.local_days import LocalDay, LocalDays
from calling.modes import NCE, ModePeriod, Modes, period_at
from calling.owner import OrganisationFacts
from calling.rate_table import RateTable

_EVER = datetime.max.replace(tzinfo=UTC)


class Terms(NamedTuple):
    """They hold from `since` until `until`, half-open."""

    since: datetime
    until: datetime
    is_postpaid: bool
    day: LocalDay
    table: RateTable | None  # of outgoing calls; None without a card


class TermsBook:
    """The terms of a batch's organisations, each as last looked up."""

    def __init__(self, cards: Cards, modes: Modes) -> None:
        self.cards = cards
        self.modes = modes
        self._days = LocalDays()
        self._last: dict[int, Terms] = {}

    def of(self, organisation: OrganisationFacts, at: datetime) -> Terms | None:
        """The terms at a moment, None before the organisation was opened."""
        known = self._last.get(organisation.id)
        if known is not None and known.since <= at < known.until:
            return known
        period = period_at(self.modes, organisation.id, at)
        if period is None:
            return None
        terms = self._last[organisation.id] = self._look_up(organisation, period, at)
        return terms

    def _look_up(
        self, organisation: OrganisationFacts, period: ModePeriod, at: datetime
    ) -> Terms:
        asked = (organisation.id, organisation.currency, CALLING, at)
        version = self.cards.version(*asked)
        day = self._days.of(at, organisation.zone)
        begun = [period.starts_at, day.since]
        if version is not None:
            begun.append(version.valid_from)
        ends = [period.ends_at or _EVER, day.until, *self.cards.dates_after(*asked)[:1]]
        table = self.cards.table_of(version) if version is not None else None
        return Terms(max(begun), min(ends), period.mode == NCE, day, table)
