"""Keeps `Wallet.incoming`: the credit of top-ups being processed (rule 5.2)."""

from billing.models import TopUp, TopUpState
from credits.lock import lock_wallet
from credits.money import Micros
from credits.refresh import refresh_wallets


def incoming_of(organisation_id: int) -> Micros:
    processing = TopUp.objects.filter(
        organisation_id=organisation_id, state=TopUpState.PROCESSING
    )
    return sum(top_up.credit_micros for top_up in processing)


def note_incoming(organisation_id: int) -> None:
    """Writes it from the sales themselves; the caller holds the wallet's lock."""
    wallet = lock_wallet(organisation_id)
    incoming = incoming_of(organisation_id)
    if wallet.incoming != incoming:
        wallet.incoming = incoming
        refresh_wallets([wallet])
