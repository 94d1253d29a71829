"""Locks wallets: the first step of everything that changes money (rule 3.10).

Wallets are locked in ascending order, so two batches cannot wait for each other; they
wait for a wallet and then read it fresh. On PostgreSQL the lock leaves foreign-key
checks alone; on SQLite the transaction itself is the lock, taken when it begins.
"""

from collections.abc import Collection, Iterable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from credits.bulk import read_rows
from credits.models import Wallet

_COLUMNS = [field.attname for field in Wallet._meta.concrete_fields]


def lock_wallet(organisation_id: int) -> Wallet:
    """The organisation's wallet, locked until the transaction ends."""
    return lock_wallets([organisation_id])[organisation_id]


def lock_wallets(organisation_ids: Iterable[int]) -> dict[int, Wallet]:
    """The wallets by organisation, locked; raises for an organisation without one."""
    wanted = set(organisation_ids)
    wallets = _locked(_named(wanted), skip_locked=False)
    if len(wallets) != len(wanted):
        missing = sorted(wanted - set(wallets))
        raise Wallet.DoesNotExist(f"No wallet for organisations {missing}.")
    return wallets


def lock_free_wallets(
    organisation_ids: "Collection[int] | QuerySet[Any, Any]",
) -> dict[int, Wallet]:
    """Those of the wallets that nobody else holds, locked; sweeps wait for nobody."""
    return _locked(_named(organisation_ids), skip_locked=True)


def lock_free_ids(organisation_ids: Collection[int]) -> list[int]:
    """Of those wallets that nobody else holds, locked, the ids alone; ascending."""
    return list(_for_update(_named(set(organisation_ids))).values_list("pk", flat=True))


def does_a_wallet_want() -> bool:
    """Whether any wallet wants a recharge: one look at the index, for frequent use."""
    with transaction.get_connection().cursor() as cursor:
        cursor.execute("SELECT 1 FROM credits_wallet WHERE recharge_wanted LIMIT 1")
        return cursor.fetchone() is not None


def lock_wanting_wallets(wanting: "QuerySet[Wallet]", limit: int) -> dict[int, Wallet]:
    """The first of the wallets that nobody else holds, locked; at most `limit`.

    `wanting` is ordered by its key: without an order the planner would pass over the
    index of wallets that want a recharge.
    """
    return _locked(wanting[:limit], skip_locked=True)


def _named(
    organisation_ids: "Collection[int] | QuerySet[Any, Any]",
) -> "QuerySet[Wallet]":
    return Wallet.objects.filter(pk__in=organisation_ids).order_by("pk")


def _locked(chosen: "QuerySet[Wallet]", *, skip_locked: bool) -> dict[int, Wallet]:
    locked = _for_update(chosen, skip_locked=skip_locked)
    rows = read_rows(locked.values_list(*_COLUMNS))
    wallets = (Wallet.from_db("default", _COLUMNS, row) for row in rows)
    return {wallet.organisation_id: wallet for wallet in wallets}


def _for_update(
    chosen: "QuerySet[Wallet]", *, skip_locked: bool = True
) -> "QuerySet[Wallet]":
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("A wallet is locked inside a transaction.")
    return chosen.select_for_update(no_key=True, skip_locked=skip_locked)
