"""What expired unused, month by month: the provider's breakage (rule 3.8).

Paid credit that expired is revenue, a gift that expired reverses what it cost; both are
told apart, per currency. Months are those of booking, in UTC. A plain read.
"""

from dataclasses import dataclass
from datetime import date

from django.db.models import Case, CharField, Count, F, Sum, Value, When
from django.db.models.functions import TruncMonth
from djmoney.money import Money

from credits.models import EntryKind, LedgerEntry, LotKind
from credits.money import to_money


@dataclass(frozen=True)
class BreakageRow:
    """One month and currency; amounts less what was reversed."""

    month: date
    currency: str
    paid: Money
    promotional: Money
    lots: int


def breakage() -> list[BreakageRow]:
    """The newest month first."""
    is_gift = Case(
        When(lot__kind=LotKind.PROMOTIONAL, then=Value("gift")),
        default=Value("paid"),
        output_field=CharField(),
    )
    sums = (
        LedgerEntry.objects.filter(kind=EntryKind.EXPIRE)
        .order_by()
        .values(month=TruncMonth("booked_at"), currency=F("lot__currency"), of=is_gift)
        .annotate(sum=Sum("amount"), lots=Count("lot", distinct=True))
    )
    found: dict[tuple[date, str], dict[str, tuple[int, int]]] = {}
    for row in sums:
        key = (row["month"].date(), row["currency"])
        found.setdefault(key, {})[row["of"]] = (-row["sum"], row["lots"])
    return [
        BreakageRow(
            month,
            currency,
            to_money(parts.get("paid", (0, 0))[0], currency),
            to_money(parts.get("gift", (0, 0))[0], currency),
            sum(lots for _, lots in parts.values()),
        )
        for (month, currency), parts in sorted(found.items(), reverse=True)
    ]
