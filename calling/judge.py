"""Finds out whose a batch's calls are, of which kind and at what price.

Reads in bulk, judges in memory. What cannot be settled gets the reason why it waits.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from calling.call import Call
from calling.cards import read_cards
from calling.classify import Facts, classify
from calling.line_facts import Lines, lines_of_rows, read_line_rows, read_lines
from calling.models import Source, WaitingReason
from calling.modes import modes_of_rows, read_mode_rows
from calling.owner import Directory, OrganisationFacts, read_directory
from calling.seen import Seen, read_settled

UNKNOWN_DIRECTION = WaitingReason.UNKNOWN_DIRECTION.value
OWNER_CHANGED = WaitingReason.OWNER_CHANGED.value


def find_owners(calls: Collection[Call], source: Source) -> None:
    """Whose each call was at its start; two statements, before the lock."""
    records = [call.record for call in calls]
    name_owners(calls, read_directory(records, source.owner_map))


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
            call.owner = found
            call.organisation_id = found.organisation.id


@dataclass(frozen=True)
class Judge:
    """Has read all that a batch's calls are judged by, and asks for no more."""

    facts: Facts
    wanted: tuple[Collection[int], Collection[str], Collection[int]]
    lines: list[tuple[Any, ...]]
    modes: list[tuple[Any, ...]]

    def decide(self, calls: Iterable[Call]) -> None:
        """Gives each call its kind and price, or the reason why it waits."""
        for call in calls:
            if call.owner is not None:
                call.reason = classify(call, call.owner, self.facts)

    def still_holds(self) -> bool:
        """Whether what the wallets' locks guard is as it was read; two statements."""
        return self.lines == read_line_rows(
            *self.wanted
        ) and self.modes == read_mode_rows(self.wanted[0])


def read_judge(
    organisations: Collection[OrganisationFacts],
    identities: Collection[str],
    line_ids: Collection[int],
    starts: Collection[datetime],
    *,
    at: datetime,
) -> Judge:
    """For calls of these organisations, lines and moments; three statements."""
    organisation_ids = {found.id for found in organisations}
    wanted = (organisation_ids, identities, line_ids)
    lines, modes = read_line_rows(*wanted), read_mode_rows(organisation_ids)
    cards = read_cards(organisation_ids, {found.currency for found in organisations})
    if starts:
        cards.load(min(starts), max(starts))
    facts = Facts(lines_of_rows(lines), cards, modes_of_rows(modes), at)
    return Judge(facts, wanted, lines, modes)


def judge_of(calls: Collection[Call], *, at: datetime) -> Judge:
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
    )


def judge(calls: Collection[Call], seen: Seen, *, at: datetime) -> Lines:
    """Judges a whole batch at once; the wallets are locked."""
    found = judge_of(calls, at=at)
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
        call.previous = settled.get(call.call_id)


def refuse_other_owners(calls: Iterable[Call]) -> None:
    """A correction that belongs to another organisation than what it replaces waits."""
    for call in calls:
        previous = call.previous
        if previous is not None and previous.organisation_id != call.organisation_id:
            call.reason = OWNER_CHANGED
