"""Undoes the revision that a correction replaces (rule 6.7).

Opposite entries return the money to the lots it came from, the pool gets its seconds
back, and the daily totals lose the old charge; the charge row itself stays for ever.
Everything is planned before anything else of the batch, so the corrected call may draw
what its own undoing has just returned.
"""

from collections.abc import Iterable, Mapping

from calling.call import Call, Settled
from calling.pools import Pools
from calling.write_calls import UsageTotals
from credits.draft import WalletDraft
from credits.models import Wallet
from credits.reverse import read_pasts, undo


def undo_previous(
    calls: Iterable[Call],
    wallets: Mapping[int, Wallet],
    drafts: Mapping[int, WalletDraft],
    pools: Pools,
    usage: UsageTotals,
) -> dict[int, frozenset[int]]:
    """By call, the lots that got money back; they may pay it however late it is."""
    replaced = [call.previous for call in calls if call.previous is not None]
    if not replaced:
        return {}
    for previous in replaced:
        _take_back(previous, pools, usage)
    by_reference = _undo_entries(replaced, wallets, drafts)
    return {
        previous.call_id: by_reference.get(previous.reference, frozenset())
        for previous in replaced
    }


def _take_back(previous: Settled, pools: Pools, usage: UsageTotals) -> None:
    if previous.pool_id is not None:
        pools.by_id[previous.pool_id].give_back(previous.pool_seconds)
    usage.add(
        (
            previous.organisation_id,
            previous.local_day,
            previous.kind,
            previous.currency,
        ),
        -previous.billed_seconds,
        -previous.rated_amount,
        -previous.pool_amount,
        -previous.postpaid_amount,
        calls=-1,
    )


def _undo_entries(
    replaced: Iterable[Settled],
    wallets: Mapping[int, Wallet],
    drafts: Mapping[int, WalletDraft],
) -> dict[str, frozenset[int]]:
    references: dict[int, list[str]] = {}
    for previous in replaced:
        references.setdefault(previous.organisation_id, []).append(previous.reference)
    pasts = read_pasts({pk: wallets[pk] for pk in references}, references)
    reopened: dict[str, frozenset[int]] = {}
    for pk, past in pasts.items():
        reopened |= undo(drafts[pk], past)
    return reopened
