"""Ends holds: what a running call had set aside is free again (rule 9.4).

A hold ends once, by its call's record, by being released, or by its deadline; it is
never billed. All three go through `close_holds`, in bulk, under the locks of the
wallets. Pool minutes and line months are calling's, which gives them back.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connection

from credits.models import HoldState, Wallet
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
    """Ends those of the chosen holds that are open; one statement for any number.

    Their wallets, locked by the caller, are moved in memory; the caller refreshes
    them, which also lets lapse what an expired lot had kept for these calls (rule 3.8).
    """
    ended = _close(chosen.filter(organisation__in=list(wallets)), state, at)
    for one in ended:
        wallet = wallets[one.organisation_id]
        wallet.reserved -= one.amount
        wallet.live_calls -= 1
    return ended


def _close(chosen: HoldQuerySet, state: HoldState, at: datetime) -> list[EndedHold]:
    """Django has no UPDATE that returns the rows."""
    still_open = chosen.still_open().order_by().values("pk")
    compiler = still_open.query.get_compiler(connection=connection)
    try:
        which, params = compiler.as_sql()
    except EmptyResultSet:  # among nothing, as Django sees without asking
        return []
    closed_at = connection.ops.adapt_datetimefield_value(at)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE credits_hold SET state = %s, closed_at = %s WHERE id IN ({which})"  # noqa: S608  # a query of ours
            f" RETURNING {', '.join(EndedHold._fields)}",
            [state.value, closed_at, *params],
        )
        return sorted(EndedHold(*row) for row in cursor.fetchall())
