"""Ends the holds of calls: by their records, by release, or by their deadline.

One path for all three (rule 9.4): `close_holds` frees the money, here the pool minutes
and the line's month are given back, relative to what stands there. The caller holds the
wallets' locks and refreshes them; the statements do not depend on the number of holds.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b

from django.db.models import Q, TextField, Value
from django.db.models.functions import Cast, Concat

from calling.allocate import PoolState
from calling.call import Call
from calling.models import LineMonth, MinutePool, Source
from calling.pools import Pools
from credits.bulk import add_to_rows
from credits.hold import EndedHold, close_holds
from credits.models import Hold, HoldState, Wallet
from credits.models.hold import HoldQuerySet

LONGEST_KEY = 255
LONGEST_NAME = 200
SHORTEST = timedelta(seconds=1)


def call_key(source_slug: str, call_id: str, from_tag: str = "") -> str:
    """What a hold is found by: the source's name, and its names of the call.

    Records keep 200 characters of either name; a key that is still too long is a hash.
    """
    parts = [source_slug, call_id[:LONGEST_NAME]]
    if from_tag:
        parts.append(from_tag[:LONGEST_NAME])
    key = ":".join(parts)
    if len(key) <= LONGEST_KEY:
        return key
    return f"{source_slug}:{blake2b(key.encode(), digest_size=20).hexdigest()}"


def end_holds(
    wallets: Mapping[int, Wallet],
    chosen: HoldQuerySet,
    state: HoldState,
    *,
    at: datetime,
) -> list[EndedHold]:
    """Ends those of the holds that are open, and gives back all they set aside."""
    ended = close_holds(wallets, chosen, state, at=at)
    _give_back(ended, {})
    return ended


def _give_back(ended: Iterable[EndedHold], in_hand: Mapping[int, PoolState]) -> None:
    """In two statements; of pools that settlement has in hand in memory."""
    seconds: dict[int, int] = defaultdict(int)
    amounts: dict[int, int] = defaultdict(int)
    for hold in ended:
        pool = in_hand.get(hold.pool_id or 0)
        if pool is not None:
            pool.reserved -= hold.pool_seconds
            pool.changed = True
        elif hold.pool_id is not None and hold.pool_seconds:
            seconds[hold.pool_id] -= hold.pool_seconds
        if hold.line_month_id is not None and hold.amount:
            amounts[hold.line_month_id] -= hold.amount
    add_to_rows(LineMonth, "reserved", amounts)
    add_to_rows(MinutePool, "reserved_seconds", seconds)


def settle_holds(
    calls: Iterable[Call],
    wallets: Mapping[int, Wallet],
    pools: Pools,
    source: Source,
    *,
    at: datetime,
) -> set[int]:
    """Ends the holds that records name or belong to; the wallets that moved.

    Nothing is looked for where no call of the wallet is live. A record of a source that
    asks, whose call has no hold, leaves an ended one: whoever asks for that call
    afterwards finds that it is over.
    """
    live = {pk: wallet for pk, wallet in wallets.items() if wallet.live_calls}
    if not live and source.asks_since is None:
        return set()
    first = [call for call in calls if call.previous is None]
    ended = []
    if live:
        chosen = _holds_of(
            [one for one in first if one.organisation_id in live], source
        )
        ended = close_holds(live, chosen, HoldState.SETTLED, at=at)
        _give_back(ended, pools.by_id)
    if source.asks_since is not None:
        _leave_ended(first, source, at)
    return {hold.organisation_id for hold in ended}


def _named(calls: Collection[Call], source: Source) -> set[tuple[int, int | None]]:
    """Organisation and id of the holds that records name; one statement or none."""
    ids = {named for call in calls if (named := _authorised(call)) is not None}
    if not ids:
        return set()
    holds = Hold.objects.filter(_among("pk", ids), source_id=source.pk)
    return set(holds.values_list("organisation_id", "pk"))


def _holds_of(calls: Collection[Call], source: Source) -> HoldQuerySet:
    """Found by key or id; each is its own organisation's, as the pairs say."""
    keys, ids, pairs = set(), set(), set()
    for call in calls:
        named = _authorised(call)
        if named is not None:
            ids.add(named)
            pairs.add(f"{call.organisation_id} {named}")
        for key in _keys(call, source):
            keys.add(key)
            pairs.add(f"{call.organisation_id} {key}")
    if not pairs:
        return Hold.objects.none()
    return (
        Hold.objects.filter(source_id=source.pk)
        .filter(_among("pk", ids) | _among("call_key", keys))
        .annotate(by_id=_pair("pk"), by_key=_pair("call_key"))
        .filter(Q(by_id__among=pairs) | Q(by_key__among=pairs))
    )


def _among(name: str, values: Collection[object]) -> Q:
    """Nothing is among nothing; Q() would be everything."""
    return Q(**{f"{name}__among": values}) if values else Q(pk=None)


def _pair(name: str) -> Concat:
    owner = Cast("organisation_id", TextField())
    named = Cast(name, TextField())
    return Concat(owner, Value(" "), named, output_field=TextField())


def _authorised(call: Call) -> int | None:
    """The hold that the record names itself: auth_17."""
    number = call.record.authorization_id.removeprefix("auth_")
    return int(number) if number.isdecimal() and len(number) < 19 else None


def _keys(call: Call, source: Source) -> list[str]:
    record = call.record
    if not record.call_id:
        return []
    plain = call_key(source.slug, record.call_id)
    if not record.from_tag:
        return [plain]
    return [plain, call_key(source.slug, record.call_id, record.from_tag)]


def _leave_ended(calls: Collection[Call], source: Source, at: datetime) -> None:
    """Ended holds for calls that nobody asked for; known keys stay as they are.

    A record that names its hold was asked for, whatever it calls the call itself.
    """
    named, holds = _named(calls, source), {}
    for call in calls:
        if (call.organisation_id, _authorised(call)) in named:
            continue
        for key in _keys(call, source)[-1:]:
            holds[call.organisation_id, key] = Hold(
                organisation_id=call.organisation_id,
                call_key=key,
                source_id=source.pk,
                line_id=call.line.id if call.line is not None else None,
                kind=call.kind,
                caller=call.record.caller or call.record.caller_raw,
                callee=call.record.callee or call.record.callee_raw,
                granted_seconds=call.record.billable_seconds,
                state=HoldState.SETTLED,
                opened_at=call.started_at,
                deadline_at=max(call.record.ended_at, call.started_at + SHORTEST),
                closed_at=at,
            )
    Hold.objects.bulk_create(holds.values(), ignore_conflicts=True)
