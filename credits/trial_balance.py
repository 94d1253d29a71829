"""The provider's books: what every entry debits and credits, added up (rule 3.3)."""

from collections import Counter

from django.db.models import Sum

from credits.models import ENTRY_ACCOUNTS, Account, EntryKind, LedgerEntry, LotKind
from credits.money import Micros


def trial_balance(*, organisation_id: int | None = None) -> dict[Account, Micros]:
    """Debits less credits of every account; their sum is zero.

    Amounts of one currency only make sense together, so narrow it where several are
    sold. An entry whose kinds stand for no accounts is a KeyError.
    """
    entries = LedgerEntry.objects.order_by()
    if organisation_id is not None:
        entries = entries.filter(organisation=organisation_id)
    books: Counter[Account] = Counter()
    for kind, lot, total in entries.values_list("kind", "lot__kind").annotate(
        Sum("amount")
    ):
        lot_kind = LotKind(lot) if lot else None
        debited, credited = ENTRY_ACCOUNTS[EntryKind(kind), lot_kind]
        books[debited] += total
        books[credited] -= total
    return dict(books)
