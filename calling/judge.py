"""Finds out whose a batch's calls are, of which kind and at what price.

Reads in bulk, judges in memory. What cannot be settled gets the reason why it waits.
"""

from collections.abc import Collection
from datetime import datetime

from calling.call import Call
from calling.cards import read_cards
from calling.classify import Facts, classify
from calling.formats.record import CallRecordIn
from calling.line_facts import Lines, read_lines
from calling.models import Source, WaitingReason
from calling.modes import read_modes
from calling.owner import Owner, read_directory
from calling.seen import Seen, read_settled

UNKNOWN_DIRECTION = WaitingReason.UNKNOWN_DIRECTION.value
OWNER_CHANGED = WaitingReason.OWNER_CHANGED.value


def find_owners(calls: Collection[Call], source: Source) -> None:
    """Whose each call was at its start; two statements, before the lock."""
    directory = read_directory([call.record for call in calls], source.owner_map)
    for call in calls:
        call.record = directory.orient(call.record)
        found = _cannot_settle(call.record) or directory.owner_of(call.record)
        if isinstance(found, Owner):
            call.owner = found
            call.organisation_id = found.organisation.id
        else:
            call.reason = found


def _cannot_settle(record: CallRecordIn) -> str:
    return record.waits or ("" if record.direction else UNKNOWN_DIRECTION)


def judge(calls: Collection[Call], seen: Seen, *, at: datetime) -> Lines:
    """Classifies the calls and finds what they correct; the wallets are locked."""
    owned = [call for call in calls if call.owner is not None]
    organisation_ids = {call.organisation_id for call in owned}
    lines = lines_of(owned, organisation_ids)
    currencies = {call.owner.organisation.currency for call in owned if call.owner}
    facts = Facts(
        lines=lines,
        cards=read_cards(organisation_ids, currencies),
        modes=read_modes(organisation_ids),
        at=at,
    )
    for call in owned:
        if call.owner is not None:
            call.reason = classify(call, call.owner, facts)
    _find_previous(owned, seen)
    return lines


def lines_of(calls: Collection[Call], organisation_ids: Collection[int]) -> Lines:
    """The lines the calls name, or whose number they came from; one query."""
    owns = (call.owner.own for call in calls if call.owner is not None)
    return read_lines(
        organisation_ids,
        {call.record.user for call in calls if call.record.user},
        {own.line_id for own in owns if own is not None and own.line_id is not None},
    )


def _find_previous(calls: Collection[Call], seen: Seen) -> None:
    """What a correction replaces; one that belongs to another organisation waits."""
    if not seen:
        return
    known = [
        call
        for call in calls
        if not all(told.waits for told in seen.get(call.record.source_record_id, ()))
    ]
    settled = read_settled(call.call_id for call in known)
    for call in known:
        call.previous = settled.get(call.call_id)
        previous = call.previous
        if previous is not None and previous.organisation_id != call.organisation_id:
            call.reason = OWNER_CHANGED
