"""What a process remembers of what calls are judged by, and the counts it was read at.

Triggers count up with every change: one count for what is the provider's, one for whose
which number is, one in each wallet. The statement that reserves reads them again; who
judged by an older one forgets and judges anew. Whatever is read here is read after its
count, so it is never older than that.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import F

from accounts.models import BillingMode, Organisation
from calling.allocate import PoolKey
from calling.authorise.barring import BarringRule, read_barrings
from calling.authorise.limits import LimitsRow, read_limits
from calling.call import Call
from calling.call_areas import call_areas, forget_call_areas
from calling.cards import Cards, read_cards
from calling.classify import Facts
from calling.line_facts import LineFacts, Lines, read_lines
from calling.models import (
    Line,
    NumberAssignment,
    RateCard,
    Source,
    SpendingLimit,
)
from calling.modes import read_modes
from calling.owner import Assignment, OrganisationFacts
from calling.pool_keys import PoolKeys
from calling.reference import read_facts_counts
from credits.money import Micros

REMEMBERED = 20_000  # organisations, and numbers: beyond it the memory begins anew


class LineRules(NamedTuple):
    """What a line may, beyond what settling knows of it."""

    is_active: bool
    monthly_limit: Micros | None


NO_RULES = LineRules(is_active=True, monthly_limit=None)


class Known:
    """One organisation, read at a count of its wallet; lines as they are asked for."""

    def __init__(self, row: Organisation, version: int, cards: Cards) -> None:
        self.version = version
        zone = ZoneInfo(row.time_zone)
        facts = OrganisationFacts(
            row.pk, row.slug, row.account_code, row.country, row.currency, zone, version
        )
        self.facts = facts
        self.id = facts.id
        self.opened_at = row.opened_at
        self.closed_at = row.closed_at
        self.is_suspended = row.suspended_at is not None
        self.is_restricted = row.restricted_at is not None
        self.is_nce = row.billing_mode == BillingMode.NCE
        self.lines = Lines([])
        self.line_rules: dict[int, LineRules] = {}
        self.pool_ids: dict[PoolKey, int] = {}
        self.line_month_ids: dict[tuple[int, Any], int] = {}
        self.barrings: list[BarringRule] = read_barrings(self.id)
        self.limits: list[LimitsRow] = read_limits(self.id)
        limit = SpendingLimit.objects.filter(organisation=self.id, is_hard=True)
        self.spending_limit = limit.values_list("amount", flat=True).first()
        modes = read_modes([self.id])
        self.judge = Facts(self.lines, cards, modes, call_areas(), row.opened_at)
        self._asked: set[object] = set()
        self._pools_by_day: tuple[date | None, PoolKeys] = (None, PoolKeys())

    def find_line(self, user: str, line_id: int | None) -> None:
        """Has in `lines` what the two name, read once; classifying looks there."""
        user = user.lower()
        asked = (user, line_id)
        if asked in self._asked or not (user or line_id):
            return
        ids = [line_id] if line_id is not None else []
        found = read_lines([self.id], [user] if user else [], ids)
        mine = [one for one in found.by_id.values() if one.organisation_id == self.id]
        rules = Line.objects.filter(pk__in=[line.id for line in mine])
        for pk, *values in rules.values_list("pk", *LineRules._fields):
            self.line_rules[pk] = LineRules(*values)
        for line in mine:
            self.lines.by_id.setdefault(line.id, line)
            self.lines.by_identity.setdefault((self.id, line.identity), line)
        self._asked.add(asked)

    def pools_of(self, call: Call) -> Sequence[PoolKey]:
        """The pools that may cover a call; those of one day are kept."""
        day, pool_keys = self._pools_by_day
        if day != call.local_day:
            pool_keys = PoolKeys()
            self._pools_by_day = (call.local_day, pool_keys)
        return pool_keys.of(call)

    def rules_of(self, line: LineFacts | None) -> LineRules:
        """Without a line there are none."""
        return self.line_rules[line.id] if line is not None else NO_RULES


class Provider:
    """What holds for all: sources by their key, rules, limits, who has which name."""

    def __init__(self, version: int) -> None:
        self.version = version
        forget_call_areas()
        sources = Source.objects.select_related("api_key").order_by("pk")
        self.sources = {one.api_key_id: one for one in sources if one.api_key_id}
        self.barrings = read_barrings(None)
        self.limits = read_limits(None)
        cards = RateCard.objects.values_list("organisation", "currency")
        owners, currencies = zip(*cards, strict=True) if cards else ((), ())
        self.cards = read_cards([pk for pk in owners if pk is not None], currencies)
        self.names: dict[tuple[str, str], int] = {}
        self.organisations: dict[int, Known] = {}


class Numbers:
    """Whose which number is; an empty list is nobody's."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.by_number: dict[str, list[Assignment]] = {}

    def of(
        self, own: str | None, other: str | None, *, presumed: bool
    ) -> list[Assignment]:
        """Of the organisation's number and the other one, which differs every time.

        So unless it is known the other is `presumed` nobody's: the statement that
        reserves looks, and needs no trip of its own for that.
        """
        asked = [own] if presumed else [own, other]
        missing = [n for n in asked if n is not None and n not in self.by_number]
        if missing:
            self._read(missing)
        known = self.by_number
        return [*known.get(own or "", ()), *known.get(other or "", ())]

    def _read(self, missing: list[str]) -> None:
        if len(self.by_number) > REMEMBERED:
            self.by_number = {}
        rows = NumberAssignment.objects.filter(number__in=missing).order_by("pk")
        found: dict[str, list[Assignment]] = {number: [] for number in missing}
        for row in rows.values_list(*Assignment._fields):
            found[row[0]].append(Assignment(*row))
        self.by_number.update(found)


class _Memory:
    provider: Provider | None = None
    numbers: Numbers | None = None
    # Kept when the rest is forgotten: emergency calls are decided by these alone.
    sources: tuple[Source, ...] = ()


def provider_facts() -> Provider:
    found = _Memory.provider
    if found is None:
        found = _Memory.provider = Provider(read_facts_counts().provider)
        _Memory.sources = tuple(found.sources.values())
    return found


def numbers() -> Numbers:
    found = _Memory.numbers
    if found is None:
        found = _Memory.numbers = Numbers(read_facts_counts().numbers)
    return found


def remembered_sources() -> tuple[Source, ...]:
    """The sources as last read, without asking the database."""
    return _Memory.sources


def known_organisation(provider: Provider, organisation_id: int) -> Known | None:
    """The organisation, None for one that is only half opened, without a wallet."""
    known = provider.organisations.get(organisation_id)
    if known is not None:
        return known
    rows = Organisation.objects.filter(pk=organisation_id, wallet__isnull=False)
    row = rows.annotate(version=F("wallet__facts_version")).first()
    if row is None:
        return None
    if len(provider.organisations) >= REMEMBERED:
        provider.organisations = {}
    known = provider.organisations[row.pk] = Known(row, row.version, provider.cards)
    provider.names["code", row.account_code] = row.pk
    provider.names["slug", row.slug] = row.pk
    return known


def organisation_named(provider: Provider, by: str, name: str) -> int | None:
    """By `code`, the account code, or by `slug`; what is not there is asked anew."""
    known = provider.names.get((by, name))
    if known is None:
        field = {"code": "account_code", "slug": "slug"}[by]
        rows = Organisation.objects.filter(**{field: name})
        known = rows.values_list("pk", flat=True).first()
    return known


def forget_organisation(organisation_id: int) -> None:
    provider = _Memory.provider
    if provider is None:
        return
    known = provider.organisations.pop(organisation_id, None)
    if known is not None:
        provider.names.pop(("code", known.facts.account_code), None)
        provider.names.pop(("slug", known.facts.slug), None)


def forget(versions: tuple[int, int] | None = None) -> None:
    """Forgets what was read at other counts than these, or everything."""
    provider, known_numbers = _Memory.provider, _Memory.numbers
    if provider is not None and (versions is None or provider.version != versions[0]):
        _Memory.provider = None
    if known_numbers is not None and (
        versions is None or known_numbers.version != versions[1]
    ):
        _Memory.numbers = None


def forget_everything() -> None:
    """For tests, whose rows come and go without being counted."""
    forget()
    _Memory.sources = ()
