"""Ends holds: what a running call had set aside is free again (rule 9.4).

A hold ends once, by its call's record, by being released, or by its deadline; it is
never billed. All three go through `close_holds`, in bulk, under the locks of the
wallets. Pool minutes and line months are calling's, which gives them back.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from credits.bulk import read_rows, update_rows
from credits.models import Hold, HoldState, Wallet
from credits.models.hold import HoldQuerySet
from credits.money import Micros


class EndedHold(NamedTuple):
    """A hold that has ended, and what of calling's it had set aside, by plain ids."""

    id: int
    organisation_id: int
    call_key: str
    amount: Micros
    pool_id: int | None
    pool_seconds: int
    line_month_id: int | None


def close_holds(
    wallets: Mapping[int, Wallet],
    chosen: HoldQuerySet,
    state: HoldState,
    *,
    at: datetime,
) -> list[EndedHold]:
    """Ends those of the chosen holds that are open; two statements for any number.

    Their wallets, locked by the caller, are moved in memory; the caller refreshes
    them, which also lets lapse what an expired lot had kept for these calls (rule 3.8).
    """
    still_open = chosen.still_open().filter(organisation__in=list(wallets))
    rows = read_rows(still_open.order_by("pk").values_list(*EndedHold._fields))
    ended = [EndedHold(*row) for row in rows]
    update_rows(
        Hold, "id", ("state", "closed_at"), [(one.id, state.value, at) for one in ended]
    )
    for one in ended:
        wallet = wallets[one.organisation_id]
        wallet.reserved -= one.amount
        wallet.live_calls -= 1
    return ended
