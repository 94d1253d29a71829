"""What an invoice is put together from: exact lines, rounded once (rule 10.3).

Pure. Amounts are micros of the invoice's currency; `minor` are its smallest units.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from billing.models import LineKind
from credits.money import Currency, Micros, round_half_up

NO_FACTS: Mapping[str, Any] = MappingProxyType({})


class DraftLine(NamedTuple):
    """A line to be: what it says, and its exact amount.

    Of the lines that are made by the thousand the facts are JSON already.
    """

    kind: LineKind
    amount: Micros
    facts: Mapping[str, Any] | str = NO_FACTS
    tax_percent: Decimal = Decimal(0)

    @property
    def said(self) -> dict[str, Any]:
        """The facts, whichever way they are held."""
        facts = self.facts
        return json.loads(facts) if isinstance(facts, str) else dict(facts)


def with_tax(
    lines: Sequence[DraftLine], *, name: str, percent: Decimal
) -> list[DraftLine]:
    """The lines with their basis of tax, and one line of tax at the end (rule 10.4).

    The tax is cut to a millionth; without tax the lines stay as they are.
    """
    if not percent:
        return list(lines)
    taxed = [DraftLine(line.kind, line.amount, line.facts, percent) for line in lines]
    basis = sum(line.amount for line in lines)
    facts = {"name": name, "basis": basis}
    tax = DraftLine(LineKind.TAX, tax_of(basis, percent), facts, percent)
    return [*taxed, tax]


def tax_of(basis: Micros, percent: Decimal) -> Micros:
    """The tax on a net amount, cut to a millionth."""
    thousandths = int(percent.scaleb(3))
    tax = abs(basis) * thousandths // 100_000
    return tax if basis >= 0 else -tax


def total_minor(amounts: Iterable[Micros], currency: Currency) -> int:
    """Minor units of an invoice: the exact sum, rounded half-up once."""
    return round_half_up(sum(amounts), currency.micros_per_minor)


def share_minors(amounts: Sequence[Micros], currency: Currency) -> list[int]:
    """Minor units of each line, which add up to the total: largest remainder.

    Every line is cut down first; what is missing goes, a unit each, to the lines that
    lost most, the earlier one first where two lost the same.
    """
    unit = currency.micros_per_minor
    minors = [amount // unit for amount in amounts]
    missing = total_minor(amounts, currency) - sum(minors)
    if not missing:
        return minors
    by_loss = sorted(
        range(len(amounts)), key=lambda place: (-(amounts[place] % unit), place)
    )
    for place in by_loss[:missing]:
        minors[place] += 1
    return minors
