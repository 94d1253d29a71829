"""Writes wallets back, and with them everything that follows from their lots.

The one function through which every writer of a wallet goes: `lapsed`, `next_expiry_at`
and `recharge_wanted` are computed from the lots and the row itself, so they cannot
drift. One statement for any number of wallets; the caller holds their locks. A wallet
that begins to want a recharge is named to billing by a job that commits with it, since
what is below may not import what is above (rule 5.2).
"""

import json
from collections.abc import Collection
from datetime import UTC
from operator import attrgetter
from typing import Any

from django.db import connection
from django_q.tasks import async_task

from credits.bulk import array_of
from credits.models import Wallet

WRITTEN = (
    "organisation_id",
    "last_seq",
    "reserved",
    "live_calls",
    "incoming",
    "trigger",
)
_read = attrgetter(*WRITTEN)
_NAMES = ", ".join(f'"{name}"' for name in WRITTEN)

_ARRAYS = f"unnest({', '.join(['%s::bigint[]'] * len(WRITTEN))}) AS given ({_NAMES})"
_VALUES = ", ".join(
    f"""json_extract(value, '$[{place}]') AS "{name}\""""
    for place, name in enumerate(WRITTEN)
)
_JSON = f"(SELECT {_VALUES} FROM json_each(%s)) AS given"  # noqa: S608  # names of ours

# Said once more, so that a few wallets among many are looked for by their index.
_THEIRS = "AND lot.organisation_id = ANY(%s::bigint[])"

# What expired lots have left beyond what calls still hold that began before: up to some
# lot, at least what it and those before it have, less what was held when it expired;
# the largest of these is what no such call can draw (rule 3.8).
_UNCOVERED = """SELECT max(
    (SELECT sum(earlier.remaining) FROM credits_lot AS earlier
     WHERE earlier.organisation_id = lot.organisation_id
       AND earlier.exhausted_at IS NULL AND earlier.lapsed_at IS NOT NULL
       AND earlier.expires_at <= lot.expires_at)
    - coalesce((SELECT sum(hold.amount) FROM credits_hold AS hold
     WHERE hold.organisation_id = lot.organisation_id AND hold.state = 'open'
       AND hold.opened_at < lot.expires_at), 0))
  FROM credits_lot AS lot WHERE lot.organisation_id = sums.organisation_id
    AND lot.exhausted_at IS NULL AND lot.lapsed_at IS NOT NULL"""

_UPDATE = """
UPDATE credits_wallet SET last_seq = new.last_seq, reserved = new.reserved,
  live_calls = new.live_calls, incoming = new.incoming, "trigger" = new."trigger",
  lapsed = new.lapsed, next_expiry_at = new.next_expiry_at,
  recharge_wanted = coalesce(credit - new.lapsed - debt - new.reserved + new.incoming
                             < new."trigger", FALSE)
FROM (
  SELECT sums.*, CASE WHEN sums.expired = 0 OR sums.live_calls = 0 THEN sums.expired
    ELSE {larger}(0, ({uncovered})) END AS lapsed
  FROM (
    SELECT given.*,
      coalesce(sum(lot.remaining) FILTER (WHERE lot.lapsed_at IS NOT NULL), 0)
        AS expired,
      min(lot.expires_at) FILTER (WHERE lot.lapsed_at IS NULL) AS next_expiry_at
    FROM {given} LEFT JOIN credits_lot AS lot
      ON lot.organisation_id = given.organisation_id AND lot.exhausted_at IS NULL
      {theirs}
    GROUP BY 1, 2, 3, 4, 5, 6
  ) AS sums
) AS new
WHERE credits_wallet.organisation_id = new.organisation_id
RETURNING credits_wallet.organisation_id, credits_wallet.credit, credits_wallet.debt,
  credits_wallet.lapsed, credits_wallet.next_expiry_at, credits_wallet.recharge_wanted
"""

NUDGE = "billing.jobs.nudge_recharge"


def refresh_wallets(wallets: Collection[Wallet], *, cause: str = "debit") -> None:
    """Saves the wallets and brings the objects up to date with their rows.

    `cause` is what billing notes about a wallet that wants a recharge from now on.
    """
    if not wallets:
        return
    calm = {wallet.organisation_id for wallet in wallets if not wallet.recharge_wanted}
    by_organisation = {wallet.organisation_id: wallet for wallet in wallets}
    given = [_read(wallet) for wallet in wallets]
    with connection.cursor() as cursor:
        cursor.execute(*_statement(given))
        for row in cursor.fetchall():
            _take_over(by_organisation[row[0]], row)
    wanting = [pk for pk in sorted(calm) if by_organisation[pk].recharge_wanted]
    if wanting:
        # One job, whatever a batch brought about; 0 looks at every wallet that wants.
        async_task(NUDGE, cause, wanting[0] if len(wanting) == 1 else 0)


def _statement(given: list[tuple[Any, ...]]) -> tuple[str, list[Any]]:
    parts = {"uncovered": _UNCOVERED}
    if connection.vendor == "postgresql":
        columns = list(map(array_of, zip(*given, strict=True)))
        parts |= {"given": _ARRAYS, "larger": "greatest", "theirs": _THEIRS}
        return _UPDATE.format(**parts), [*columns, columns[0]]
    parts |= {"given": _JSON, "larger": "max", "theirs": ""}
    return _UPDATE.format(**parts), [json.dumps(given)]


def _take_over(wallet: Wallet, row: tuple[Any, ...]) -> None:
    _, credit, debt, lapsed, next_expiry_at, recharge_wanted = row
    # Said twice, here and by the fence: what was planned is what was moved.
    if (wallet.credit, wallet.debt) != (credit, debt):
        raise RuntimeError(f"The wallet of {wallet.organisation_id} moved otherwise.")
    wallet.lapsed = int(lapsed)
    wallet.recharge_wanted = bool(recharge_wanted)
    if next_expiry_at and next_expiry_at.tzinfo is None:  # SQLite keeps naive UTC
        next_expiry_at = next_expiry_at.replace(tzinfo=UTC)
    wallet.next_expiry_at = next_expiry_at
