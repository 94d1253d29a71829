"""Finds out whose a batch's calls are, of which kind and at what price.

Reads in bulk, judges in memory. What cannot be settled gets the reason why it waits.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from calling.call import Call
from calling.call_areas import call_areas_at
from calling.cards import read_cards
from calling.classify import Facts, classify
from calling.line_facts import Lines, read_lines
from calling.models import Source, WaitingReason
from calling.owner import Directory, Mentions, OrganisationFacts, read_directory
from calling.reference import FactsCounts, read_facts_counts
from calling.seen import Seen, read_settled

UNKNOWN_DIRECTION = WaitingReason.UNKNOWN_DIRECTION.value
OWNER_CHANGED = WaitingReason.OWNER_CHANGED.value


def find_owners(calls: Collection[Call], source: Source) -> Directory:
    """Whose each call was at its start; before the lock.

    Ask the directory under the lock whether it still holds.
    """
    mentions = Mentions([call.record for call in calls])
    directory = read_directory(mentions, source.owner_map)
    name_owners(calls, directory)
    return directory


def name_owners(calls: Iterable[Call], directory: Directory) -> None:
    """Whose each call was, by what the directory has read."""
    for call in calls:
        record = call.record
        if record.ends_unsure or not record.direction:
            call.record = record = directory.orient(record)
        if record.waits or not record.direction:
            call.reason = record.waits or UNKNOWN_DIRECTION
            continue
        found = directory.owner_of(record, call.started_at)
        if isinstance(found, str):
            call.reason = found
        else:
            call.belongs_to(found)


def owners_of(calls: Iterable[Call]) -> set[int]:
    """The organisations whose wallets these calls lock."""
    return {call.organisation_id for call in calls if call.owner is not None}


@dataclass(frozen=True)
class Judge:
    """Has read all that a batch's calls are judged by, and asks for no more."""

    facts: Facts

    def decide(self, calls: Iterable[Call]) -> None:
        """Gives each call its kind and price, or the reason why it waits."""
        for call in calls:
            if call.owner is not None:
                call.reason = classify(call, call.owner, self.facts)


def read_judge(
    organisations: Collection[OrganisationFacts],
    identities: Collection[str],
    line_ids: Collection[int],
    starts: Collection[datetime],
    *,
    at: datetime,
    counts: FactsCounts,
    known: Judge | None = None,
) -> Judge:
    """For calls of these organisations, lines and moments; two statements.

    A third where what the provider keeps has changed since the batch before. What is
    `known` under the same counts is not read again.
    """
    facts = known.facts if known is not None else Facts.of_nobody(at)
    new = {found.id: found for found in organisations if found.id not in facts.modes}
    missing = set(line_ids) - facts.lines.by_id.keys()
    if identities or missing:
        organisation_ids = {found.id for found in organisations}
        facts.lines.add(read_lines(organisation_ids, identities, missing))
    if new:
        currencies = {found.currency for found in new.values()}
        facts.cards.add(read_cards(new.keys(), currencies))
        facts.modes |= {found.id: found.modes for found in new.values()}
    if starts:
        facts.cards.load(min(starts), max(starts))
    return Judge(facts.told_at(at, call_areas_at(counts)))


def judge_of(calls: Collection[Call], *, at: datetime, counts: FactsCounts) -> Judge:
    """For calls whose owners are known."""
    owned = [call for call in calls if call.owner is not None]
    organisations = {
        call.organisation_id: call.owner.organisation
        for call in owned
        if call.owner is not None
    }
    return read_judge(
        organisations.values(),
        *_lines_wanted(owned),
        [call.started_at for call in owned],
        at=at,
        counts=counts,
    )


def judge(calls: Collection[Call], seen: Seen, *, at: datetime) -> Lines:
    """Judges a whole batch at once; the wallets are locked."""
    found = judge_of(calls, at=at, counts=read_facts_counts())
    found.decide(calls)
    find_previous(calls, seen)
    refuse_other_owners(calls)
    return found.facts.lines


def lines_of(calls: Collection[Call], organisation_ids: Collection[int]) -> Lines:
    """The lines the calls name, or whose number they came from; one query."""
    return read_lines(organisation_ids, *_lines_wanted(calls))


def _lines_wanted(calls: Collection[Call]) -> tuple[set[str], set[int]]:
    owns = (call.owner.own for call in calls if call.owner is not None)
    return (
        {call.record.user for call in calls if call.record.user},
        {own.line_id for own in owns if own is not None and own.line_id is not None},
    )


def find_previous(calls: Iterable[Call], seen: Seen) -> None:
    """What a correction replaces; one statement, none where nothing is known."""
    if not seen:
        return
    known = [
        call
        for call in calls
        if call.owner is not None
        and not all(told.waits for told in seen.get(call.record.source_record_id, ()))
    ]
    settled = read_settled(call.call_id for call in known)
    for call in known:
        call.corrects(settled.get(call.call_id))


def refuse_other_owners(calls: Iterable[Call]) -> None:
    """A correction that belongs to another organisation than what it replaces waits."""
    for call in calls:
        previous = call.previous
        if previous is not None and previous.organisation_id != call.organisation_id:
            call.reason = OWNER_CHANGED
