"""Settles a batch of calls: decides who pays, and takes it (rules 7 and 8).

The ONE settlement path; a single call is a batch of one. Runs inside the caller's
transaction with the wallets locked: reads pools and lots, undoes what a correction
replaces, allocates in the order of call start, and writes in bulk. The number of
statements does not depend on the number of calls.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import attrgetter

from calling.allocate import allocate, without_money
from calling.call import Call, call_reference
from calling.correct import undo_previous
from calling.end_holds import settle_holds
from calling.line_facts import Lines
from calling.line_months import add_to_line_months
from calling.models import Source
from calling.pool_keys import PoolKeys
from calling.pools import Pools, make_missing, read_pools
from calling.write_calls import (
    UsageTotals,
    call_table,
    charge_table,
    update_corrected,
)
from credits.bulk import ROWS_PER_PART, Table, insert_tables, parts
from credits.draft import WalletDraft
from credits.lots import read_live_lots
from credits.models import Wallet
from credits.post import entries_of, entry_table
from credits.refresh import refresh_wallets

_NOTHING: frozenset[int] = frozenset()
_started = attrgetter("started_at", "call_id")


def settle_calls(
    calls: Collection[Call],
    wallets: Mapping[int, Wallet],
    lines: Lines,
    *,
    source: Source,
    at: datetime,
    before: Iterable[Table] = (),
) -> None:
    """Charges the calls, which are classified and have an owner and an id.

    Their holds end first: what they had set aside is there to pay them (rule 9.4).
    Rows given as `before` are stored in the same go, before what settling stores.
    """
    if not calls:
        insert_tables(before)
        return
    by_owner = _in_order(calls)
    in_order = [call for some in by_owner.values() for call in some]
    organisation_ids = by_owner.keys()
    pools = _pools(in_order, organisation_ids, lines)
    lots = read_live_lots(organisation_ids, at=at)
    drafts = {pk: WalletDraft(wallets[pk], lots[pk], at=at) for pk in organisation_ids}
    usage = UsageTotals()
    moved = settle_holds(in_order, wallets, pools, source, at=at)
    reopened = undo_previous(in_order, wallets, drafts, pools, usage)

    def tables() -> Iterator[Table]:
        """The server stores some rows while the next are made."""
        yield from before
        for owners in _whole(by_owner):
            for pk in owners:
                _allocate(by_owner[pk], drafts[pk], pools, usage, reopened)
            planned = [drafts[pk] for pk in owners]
            yield entry_table(wallets, entries_of(planned), at=at)
        for some in parts(in_order):
            yield call_table(some, source.pk)
        for some in parts(in_order):
            yield charge_table(some, at)

    insert_tables(tables())
    update_corrected(in_order, source.pk)
    moved |= {pk for pk, draft in drafts.items() if draft.entries}
    refresh_wallets([wallets[pk] for pk in sorted(moved)])
    pools.write(at)
    usage.write()
    add_to_line_months(in_order, lines)


def _in_order(calls: Iterable[Call]) -> dict[int, list[Call]]:
    """The calls by organisation, ascending; each one's as they started.

    Organisations have nothing to do with each other.
    """
    found: dict[int, list[Call]] = {}
    for call in calls:
        found.setdefault(call.organisation_id, []).append(call)
    for some in found.values():
        some.sort(key=_started)
    return dict(sorted(found.items()))


def _whole(by_owner: Mapping[int, Sequence[Call]]) -> Iterator[Sequence[int]]:
    """The organisations in parts, so that a part's calls take a millisecond or two."""
    owners, count = [], 0
    for pk, calls in by_owner.items():
        owners.append(pk)
        count += len(calls)
        if count >= ROWS_PER_PART:
            yield owners
            owners, count = [], 0
    if owners:
        yield owners


def _pools(
    calls: Iterable[Call], organisation_ids: Collection[int], lines: Lines
) -> Pools:
    days = {call.local_day for call in calls}
    days |= {call.previous.local_day for call in calls if call.previous is not None}
    months = {day.replace(day=1) for day in days}
    pools = read_pools(organisation_ids, months, lines.families_that_end_all())
    keys = PoolKeys()
    for call in calls:
        call.pool_keys = keys.of(call)
    missing = {
        key: owner.organisation.zone
        for key, owner in keys.asked.items()
        if key not in pools.by_key and owner is not None
    }
    make_missing(pools, missing)
    return pools


def _allocate(
    calls: Iterable[Call],
    draft: WalletDraft,
    pools: Pools,
    usage: UsageTotals,
    reopened: Mapping[int, frozenset[int]],
) -> None:
    """Charges one organisation's calls, in their order."""
    for call in calls:
        seconds = amount = 0
        parts, rated = call.parts, call.rated
        if rated is not None:
            pool = pools.choose(call.pool_keys) if call.pool_keys else None
            if call.record.is_covered:
                call.rated = rated = without_money(rated, pool)
            _, seconds, amount = rated
            call.parts = parts = allocate(
                rated,
                pool,
                draft,
                reference=call_reference(call.call_id, call.revision),
                started_at=call.started_at,
                is_postpaid=call.is_postpaid,
                reopened=reopened.get(call.call_id, _NOTHING) if reopened else _NOTHING,
            )
        key = (call.organisation_id, call.local_day, call.kind, call.currency)
        usage.add(key, seconds, amount, parts.pool_amount, parts.postpaid_amount)
