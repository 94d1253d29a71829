"""The one place Django looks for models; each file below is one subject."""

from credits.models.fields import MicrosField
from credits.models.hold import Hold, HoldState
from credits.models.ledger import ENTRY_ACCOUNTS, Account, EntryKind, LedgerEntry
from credits.models.prepaid_only import PrepaidOnly
from credits.models.wallet import Lot, LotKind, Wallet

__all__ = [
    "ENTRY_ACCOUNTS",
    "Account",
    "EntryKind",
    "Hold",
    "HoldState",
    "LedgerEntry",
    "Lot",
    "LotKind",
    "MicrosField",
    "PrepaidOnly",
    "Wallet",
]
