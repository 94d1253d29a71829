"""Finds whose call it was: the owner at call start, never a guess (rules 1.4, 1.7).

Hints in their order: the organisation named beside the record, account code, trunk,
tenant, then the own number, the one of the two that is on the organisation's side. All
hits must agree; two different ones wait for a person. Read in bulk, two statements.
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
from credits.bulk import read_rows

NO_OWNER = WaitingReason.NO_OWNER.value
UNKNOWN = WaitingReason.UNKNOWN_ORGANISATION.value
CONFLICT = WaitingReason.CONFLICTING_OWNER.value


class OrganisationFacts(NamedTuple):
    """What settling needs to know of an organisation."""

    id: int
    slug: str
    account_code: str
    country: str
    currency: str
    zone: ZoneInfo


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
    """The organisations and numbers that a batch mentions."""

    def __init__(
        self,
        organisations: Iterable[OrganisationFacts],
        assignments: Iterable[Assignment],
        owner_map: Mapping[str, str],
    ) -> None:
        self.by_id = {found.id: found for found in organisations}
        self.by_slug = {found.slug: found.id for found in self.by_id.values()}
        self.by_code = {found.account_code: found.id for found in self.by_id.values()}
        self.owner_map = owner_map
        self.assignments: dict[str | None, list[Assignment]] = {}
        for assignment in assignments:
            self.assignments.setdefault(assignment.number, []).append(assignment)

    def owner_of(self, record: CallRecordIn) -> Owner | str:
        """The owner, or the reason why the record waits."""
        at = record.started_at
        outbound = record.direction == "outbound"
        own_number = record.caller if outbound else record.callee
        other_number = record.callee if outbound else record.caller
        own = self.assignment(own_number, at)
        hits = self._hinted(record)
        if record.is_assigned:
            hits = {self.by_slug.get(record.organisation_hint)} - {None}
            if own is not None and own.organisation_id not in hits:
                own = None
        elif own is not None:
            hits.add(own.organisation_id)
        if len(hits) > 1:
            return CONFLICT
        if not hits:
            return UNKNOWN if _has_hint(record) else NO_OWNER
        organisation = self.by_id.get(hits.pop() or 0)
        if organisation is None:
            return NO_OWNER
        return Owner(organisation, own, self.assignment(other_number, at))

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
        for found in self.assignments.get(number, ()):
            if found.starts_at <= at and (found.ends_at is None or at < found.ends_at):
                return found
        return None

    def _hinted(self, record: CallRecordIn) -> set[int | None]:
        hits: set[int | None] = set()
        if record.account_code:
            code = record.account_code
            hits.add(self.by_code.get(code) or self._mapped(code))
        if record.organisation_hint:
            hits.add(self.by_slug.get(record.organisation_hint))
        if self.owner_map:
            for route in (record.trunk, record.tenant):
                hits.add(self._mapped(route))
        hits.discard(None)
        return hits

    def _mapped(self, word: str) -> int | None:
        """By the source's own list of owners."""
        return self.by_slug.get(self.owner_map.get(word, ""))


def _has_hint(record: CallRecordIn) -> bool:
    return bool(record.organisation_hint or record.account_code)


def read_directory(
    records: Sequence[CallRecordIn], owner_map: Mapping[str, str]
) -> Directory:
    """Everything `owner_of` may need for these records; two statements."""
    numbers = {record.caller for record in records}
    numbers.update(record.callee for record in records)
    numbers.discard(None)
    assigned = (
        NumberAssignment.objects.filter(number__among=numbers)
        .order_by("number", "starts_at")
        .values_list(*Assignment._fields)
    )
    assignments = list(map(Assignment._make, read_rows(assigned)))
    slugs = {record.organisation_hint for record in records} | set(owner_map.values())
    named = Organisation.objects.filter(
        Q(account_code__among={record.account_code for record in records})
        | Q(slug__among=slugs)
        | Q(pk__among={found.organisation_id for found in assignments})
    )
    # One that is only half opened, without a wallet, owns nothing yet.
    opened = read_organisations(named.filter(wallet__isnull=False))
    return Directory(opened, assignments, owner_map)


def read_organisations(found: "QuerySet[Organisation]") -> list[OrganisationFacts]:
    rows = found.values_list(
        "pk", "slug", "account_code", "country", "currency", "time_zone"
    )
    return [
        OrganisationFacts(pk, slug, code, country, currency, ZoneInfo(zone))
        for pk, slug, code, country, currency, zone in read_rows(rows)
    ]
