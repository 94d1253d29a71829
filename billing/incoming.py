"""Keeps `Wallet.incoming`: recharges that were sent, top-ups processing (rule 5.2)."""

from collections import defaultdict

from django.db.models import Q

from billing.models import AttemptState, TopUp, TopUpState
from credits.lock import lock_wallet
from credits.money import Micros
from credits.refresh import refresh_wallets


def incoming_of(organisation_id: int) -> Micros:
    return read_incoming(organisation_id).get(organisation_id, 0)


def read_incoming(organisation_id: int | None = None) -> dict[int, Micros]:
    """By organisation, for whomever something is on its way; one statement."""
    on_its_way = Q(state=TopUpState.PROCESSING) | Q(attempt__state=AttemptState.SENT)
    coming = TopUp.objects.filter(on_its_way)
    if organisation_id is not None:
        coming = coming.filter(organisation=organisation_id)
    found: dict[int, Micros] = defaultdict(int)
    for top_up in coming:
        found[top_up.organisation_id] += top_up.credit_micros
    return dict(found)


def note_incoming(organisation_id: int) -> None:
    """Writes it from the sales themselves; the caller holds the wallet's lock."""
    wallet = lock_wallet(organisation_id)
    incoming = incoming_of(organisation_id)
    if wallet.incoming != incoming:
        wallet.incoming = incoming
        refresh_wallets([wallet])
