"""Settles a batch of calls: decides who pays, and takes it (rules 7 and 8).

The ONE settlement path; a single call is a batch of one. Runs inside the caller's
transaction with the wallets locked: reads pools and lots, undoes what a correction
replaces, allocates in the order of call start, and writes in bulk. The number of
statements does not depend on the number of calls.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from operator import attrgetter

from calling.allocate import allocate, without_money
from calling.call import Call
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
    # Organisations have nothing to do with each other; each one's calls in their order.
    in_order = sorted(calls, key=attrgetter("organisation_id", "started_at", "call_id"))
    organisation_ids = {call.organisation_id for call in in_order}
    pools = _pools(in_order, organisation_ids, lines)
    lots = read_live_lots(organisation_ids, at=at)
    drafts = {pk: WalletDraft(wallets[pk], lots[pk], at=at) for pk in organisation_ids}
    usage = UsageTotals()
    moved = settle_holds(in_order, wallets, pools, source, at=at)
    reopened = undo_previous(in_order, wallets, drafts, pools, usage)

    def tables() -> Iterator[Table]:
        """The server stores some rows while the next are made."""
        yield from before
        for some in _by_owner(in_order):
            _allocate(some, drafts, pools, usage, reopened)
            planned = [
                drafts[pk] for pk in sorted({one.organisation_id for one in some})
            ]
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


def _by_owner(calls: Sequence[Call]) -> Iterator[Sequence[Call]]:
    """Parts of a batch that hold all calls of their organisations."""
    start = 0
    for place, (call, following) in enumerate(pairwise(calls), start=1):
        is_other = call.organisation_id != following.organisation_id
        if is_other and place - start >= ROWS_PER_PART:
            yield calls[start:place]
            start = place
    yield calls[start:]


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
    drafts: Mapping[int, WalletDraft],
    pools: Pools,
    usage: UsageTotals,
    reopened: Mapping[int, frozenset[int]],
) -> None:
    for call in calls:
        seconds = amount = 0
        organisation_id, rated = call.organisation_id, call.rated
        if rated is not None:
            pool = pools.choose(call.pool_keys)
            if call.record.is_covered:
                call.rated = rated = without_money(rated, pool)
            _, seconds, amount = rated
            call.parts = allocate(
                rated,
                pool,
                drafts[organisation_id],
                reference=call.reference,
                started_at=call.started_at,
                is_postpaid=call.is_postpaid,
                reopened=reopened.get(call.call_id, _NOTHING) if reopened else _NOTHING,
            )
        key = (organisation_id, call.local_day, call.kind, _currency(call))
        parts = call.parts
        usage.add(key, seconds, amount, parts.pool_amount, parts.postpaid_amount)


def _currency(call: Call) -> str:
    return call.owner.organisation.currency if call.owner is not None else ""
