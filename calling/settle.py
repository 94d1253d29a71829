"""Settles a batch of calls: decides who pays, and takes it (rules 7 and 8).

The ONE settlement path; a single call is a batch of one. Runs inside the caller's
transaction with the wallets locked: reads pools and lots, undoes what a correction
replaces, allocates in the order of call start, and writes in bulk. The number of
statements does not depend on the number of calls.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from calling.allocate import allocate, without_money
from calling.call import Call
from calling.correct import undo_previous
from calling.line_facts import Lines
from calling.pool_keys import PoolKeys
from calling.pools import Pools, make_missing, read_pools
from calling.write_calls import (
    UsageTotals,
    call_table,
    charge_table,
    update_corrected,
)
from credits.bulk import Table, insert_tables
from credits.draft import WalletDraft
from credits.lots import read_live_lots
from credits.models import Wallet
from credits.post import entries_of, entry_table
from credits.refresh import refresh_wallets


def settle_calls(
    calls: Collection[Call],
    wallets: Mapping[int, Wallet],
    lines: Lines,
    *,
    source_id: int,
    at: datetime,
    first: Sequence[Table] = (),
) -> None:
    """Charges the calls, which are classified and have an owner and an id.

    The tables given `first` are inserted before: they are stored while the calls are
    allocated.
    """
    if not calls:
        insert_tables(first)
        return
    in_order = sorted(calls, key=_by_start)
    organisation_ids = {call.organisation_id for call in in_order}
    pools = _pools(in_order, organisation_ids, lines)
    lots = read_live_lots(organisation_ids, at=at)
    drafts = {pk: WalletDraft(wallets[pk], lots[pk], at=at) for pk in organisation_ids}
    usage = UsageTotals()
    reopened = undo_previous(in_order, wallets, drafts, pools, usage)

    def tables() -> Iterator[Table]:
        yield from first
        _allocate(in_order, drafts, pools, usage, reopened)
        yield call_table(in_order, source_id)
        yield charge_table(in_order, at)
        planned = [drafts[pk] for pk in sorted(drafts) if drafts[pk].entries]
        yield entry_table(wallets, entries_of(planned), at=at)

    insert_tables(tables())
    update_corrected(in_order, source_id)
    refresh_wallets([wallets[pk] for pk in sorted(drafts) if drafts[pk].entries])
    pools.write(at)
    usage.write()


def _by_start(call: Call) -> tuple[datetime, int]:
    return call.started_at, call.call_id


def _pools(
    calls: Iterable[Call], organisation_ids: Collection[int], lines: Lines
) -> Pools:
    days = {call.local_day for call in calls}
    days |= {call.previous.local_day for call in calls if call.previous is not None}
    months = {day.replace(day=1) for day in days}
    pools = read_pools(organisation_ids, months, lines.families_that_end_all())
    zones = {
        call.organisation_id: call.owner.organisation.zone
        for call in calls
        if call.owner is not None
    }
    keys = PoolKeys()
    for call in calls:
        call.pool_keys = keys.of(call)
    wanted = {key for call in calls for key in call.pool_keys}
    make_missing(pools, wanted, zones)
    return pools


def _allocate(
    calls: Iterable[Call],
    drafts: Mapping[int, WalletDraft],
    pools: Pools,
    usage: UsageTotals,
    reopened: Mapping[int, frozenset[int]],
) -> None:
    nothing: frozenset[int] = frozenset()
    for call in calls:
        seconds = amount = 0
        if call.rated is not None:
            pool = pools.choose(call.pool_keys)
            if call.record.is_covered:
                call.rated = without_money(call.rated, pool)
            _, seconds, amount = call.rated
            call.parts = allocate(
                call.rated,
                pool,
                drafts[call.organisation_id],
                reference=call.reference,
                started_at=call.started_at,
                is_postpaid=call.is_postpaid,
                reopened=reopened.get(call.call_id, nothing),
            )
        key = (call.organisation_id, call.local_day, call.kind, _currency(call))
        usage.add(key, seconds, amount, call.parts.pool_amount)


def _currency(call: Call) -> str:
    return call.owner.organisation.currency if call.owner is not None else ""
