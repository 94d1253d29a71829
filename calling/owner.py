"""Finds whose call it was: the owner at call start, never a guess (rules 1.4, 1.7).

Hints in their order: the organisation named beside the record, account code, trunk,
tenant, then the own number, the one of the two that is on the organisation's side. All
hits must agree; two different ones wait for a person. Read in bulk, three statements.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from accounts.models import Organisation
from calling.formats.record import CallRecordIn
from calling.models import NumberAssignment, WaitingReason
from calling.modes import ModePeriod
from calling.reference import UNCOUNTED, FactsCounts, read_facts_counts
from credits.bulk import read_rows
from credits.meanwhile import can_work_meanwhile
from credits.models import Wallet

NO_OWNER = WaitingReason.NO_OWNER.value
UNKNOWN = WaitingReason.UNKNOWN_ORGANISATION.value
CONFLICT = WaitingReason.CONFLICTING_OWNER.value
_NONE: tuple["Assignment", ...] = ()
MOST_KNOWN = 50_000  # numbers and wordings; some 30 MB


class OrganisationFacts(NamedTuple):
    """What settling needs to know of an organisation."""

    id: int
    slug: str
    account_code: str
    country: str
    currency: str
    zone: ZoneInfo
    facts_version: int = 1  # counts the changes of what is its own
    modes: Sequence[ModePeriod] = ()  # the newest first


class Assignment(NamedTuple):
    """Whose a number was, and from when until when."""

    number: str
    organisation_id: int
    line_id: int | None
    service_kind: str
    is_bridge: bool
    starts_at: datetime
    ends_at: datetime | None


class Owner(NamedTuple):
    """Whose call it was, and what is known of its two numbers."""

    organisation: OrganisationFacts
    own: Assignment | None
    other: Assignment | None


class Directory:
    """The organisations and numbers that a batch, or several, have mentioned."""

    def __init__(
        self,
        organisations: Iterable[OrganisationFacts],
        assignments: Iterable[Assignment],
        owner_map: Mapping[str, str],
        counts: FactsCounts = UNCOUNTED,
    ) -> None:
        self.counts = counts
        self.owner_map = owner_map
        self.by_id: dict[int, OrganisationFacts] = {}
        self.by_slug: dict[str, int] = {}
        self.by_code: dict[str, int] = {}
        self.assignments: dict[str | None, list[Assignment]] = {}
        self.is_outdated = False
        self._known: dict[tuple[str, str, str, str], frozenset[int]] = {}
        self.add(organisations, assignments)

    def add(
        self,
        organisations: Iterable[OrganisationFacts],
        assignments: Iterable[Assignment],
    ) -> None:
        """Knows these too; of a number all its owners are given at once."""
        for found in organisations:
            self.by_id[found.id] = found
            self.by_slug[found.slug] = self.by_code[found.account_code] = found.id
        for assignment in assignments:
            self.assignments.setdefault(assignment.number, []).append(assignment)

    def still_holds(self, wallets: Mapping[int, Wallet]) -> bool:
        """Whether nothing has changed since it was read; the wallets are locked.

        One statement; none on SQLite, where it is read inside the transaction.
        """
        if not can_work_meanwhile():
            return True
        self.is_outdated = self.counts != read_facts_counts() or any(
            wallet.facts_version != self.by_id[pk].facts_version
            for pk, wallet in wallets.items()
        )
        return not self.is_outdated

    def may_be_kept(self, counts: FactsCounts) -> bool:
        """Whether a batch to come may add to it, as far as the counts tell now."""
        few = len(self.assignments) + len(self._known) <= MOST_KNOWN
        return few and not self.is_outdated and self.counts == counts

    def owner_of(self, record: CallRecordIn, at: datetime) -> Owner | str:
        """The owner at a moment, or the reason why the record waits."""
        own_number, other_number = record.caller, record.callee
        if record.direction != "outbound":
            own_number, other_number = other_number, own_number
        own = self.assignment(own_number, at)
        hits = self._hinted(record)
        if record.is_assigned:
            hits = self._named(record.organisation_hint)
            if own is not None and own.organisation_id not in hits:
                own = None
        elif own is not None and own.organisation_id not in hits:
            hits = hits | {own.organisation_id}
        if len(hits) > 1:
            return CONFLICT
        for found in hits:
            organisation = self.by_id.get(found)
            if organisation is None:
                return NO_OWNER
            other = self.assignment(other_number, at)
            return tuple.__new__(Owner, (organisation, own, other))
        return UNKNOWN if _has_hint(record) else NO_OWNER

    def orient(self, record: CallRecordIn) -> CallRecordIn:
        """The record with its direction and ends, where only the owner tells them.

        A sender that says neither direction nor trunk is understood by whose number
        called or was called. The record itself stays as told.
        """
        if record.direction and not record.ends_unsure:
            return record
        at = record.started_at
        is_caller_ours = self.assignment(record.caller, at) is not None
        is_callee_ours = self.assignment(record.callee, at) is not None
        if not record.direction:
            told = "outbound" if is_caller_ours else "inbound" if is_callee_ours else ""
            return replace(record, direction=told)
        if is_callee_ours or not is_caller_ours:
            return record
        return replace(
            record,
            caller=record.callee,
            callee=record.caller,
            caller_raw=record.callee_raw,
            callee_raw=record.caller_raw,
        )

    def assignment(self, number: str | None, at: datetime) -> Assignment | None:
        for found in self.assignments.get(number, _NONE):
            if found.starts_at <= at and (found.ends_at is None or at < found.ends_at):
                return found
        return None

    def _hinted(self, record: CallRecordIn) -> frozenset[int]:
        """The organisations that the record's words name, looked up once a wording."""
        words = (
            record.account_code,
            record.organisation_hint,
            record.trunk,
            record.tenant,
        )
        known = self._known.get(words)
        if known is None:
            known = self._known[words] = self._look_up(*words)
        return known

    def _look_up(self, code: str, hint: str, trunk: str, tenant: str) -> frozenset[int]:
        hits = self._named(hint) | self._mapped(trunk) | self._mapped(tenant)
        if code:
            found = self.by_code.get(code)
            hits |= {found} if found is not None else self._mapped(code)
        return hits

    def _mapped(self, word: str) -> frozenset[int]:
        """By the source's own list of owners."""
        return self._named(self.owner_map.get(word, ""))

    def _named(self, slug: str) -> frozenset[int]:
        found = self.by_slug.get(slug)
        return frozenset() if found is None else frozenset((found,))


def _has_hint(record: CallRecordIn) -> bool:
    return bool(record.organisation_hint or record.account_code)


class Mentions:
    """The numbers and words by which records name organisations and lines."""

    def __init__(self, records: Sequence[CallRecordIn] = ()) -> None:
        self.numbers: set[str | None] = set()
        self.codes: set[str] = set()
        self.hints: set[str] = set()
        self.users: set[str] = set()
        self.add(records)

    def add(self, records: Sequence[CallRecordIn]) -> None:
        self.numbers.update([record.caller for record in records])
        self.numbers.update([record.callee for record in records])
        self.codes.update([record.account_code for record in records])
        self.hints.update([record.organisation_hint for record in records])
        self.users.update([record.user for record in records])


def read_directory(
    mentions: Mentions,
    owner_map: Mapping[str, str],
    known: Directory | None = None,
) -> Directory:
    """Everything `owner_of` may need for records with these mentions; three statements.

    What is `known` from a batch before is read again only if anything has changed.
    """
    counts = read_facts_counts()  # before what they count
    if known is None or not known.may_be_kept(counts):
        known = Directory((), (), owner_map, counts)
    numbers = mentions.numbers - known.assignments.keys() - {None}
    assigned = (
        NumberAssignment.objects.filter(number__among=numbers)
        .order_by()
        .values_list(*Assignment._fields)
    )
    assignments = list(map(Assignment._make, read_rows(assigned)))
    slugs = mentions.hints | set(owner_map.values())
    codes = mentions.codes - known.by_code.keys()
    ids = {found.organisation_id for found in assignments} - known.by_id.keys()
    slugs -= known.by_slug.keys()
    known.add(_read_opened(codes - {""}, slugs - {""}, ids), assignments)
    return known


def _read_opened(
    codes: set[str], slugs: set[str], ids: set[int]
) -> list[OrganisationFacts]:
    if not (codes or slugs or ids):
        return []
    named = Organisation.objects.filter(
        Q(account_code__among=codes) | Q(slug__among=slugs) | Q(pk__among=ids)
    )
    # One that is only half opened, without a wallet, owns nothing yet.
    return read_organisations(named.filter(wallet__isnull=False))


def read_organisations(found: "QuerySet[Organisation]") -> list[OrganisationFacts]:
    """With the billing modes they have had; one statement."""
    rows = found.order_by("pk", "-mode_periods__starts_at").values_list(
        "pk",
        "slug",
        "account_code",
        "country",
        "currency",
        "time_zone",
        "wallet__facts_version",
        "mode_periods__billing_mode",
        "mode_periods__starts_at",
        "mode_periods__ends_at",
    )
    opened: list[OrganisationFacts] = []
    modes: dict[int, list[ModePeriod]] = {}
    for pk, slug, code, country, currency, zone, version, *period in read_rows(rows):
        if pk not in modes:
            modes[pk] = []
            facts = (slug, code, country, currency, ZoneInfo(zone), version)
            opened.append(OrganisationFacts(pk, *facts, modes[pk]))
        if period[0] is not None:
            modes[pk].append(ModePeriod(*period))
    return opened
