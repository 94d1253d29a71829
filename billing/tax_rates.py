"""Which tax a customer pays on a day: none, or the rate of its country (rule 10.4)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from accounts.models import ProviderSettings
from accounts.models.provider import TaxPolicy
from billing.models import TaxRate

ELSEWHERE = ""


@dataclass(frozen=True)
class Tax:
    """A rate by its name; zero percent where nothing is added."""

    name: str = ""
    percent: Decimal = Decimal(0)


NO_TAX = Tax()


def read_tax(country: str, day: date) -> Tax:
    """The tax of one country on a day of the customer's."""
    return read_taxes({country}, day)[country]


def read_taxes(countries: Collection[str], day: date) -> dict[str, Tax]:
    """By country the rate in force that day; two statements, one without tax."""
    taxes = dict.fromkeys(countries, NO_TAX)
    if ProviderSettings.current().tax_policy != TaxPolicy.BY_COUNTRY:
        return taxes
    wanted = [*countries, ELSEWHERE]
    rates = TaxRate.objects.filter(country__in=wanted, valid_from__lte=day)
    newest = {
        rate.country: Tax(rate.name, rate.percent)
        for rate in rates.order_by("valid_from")
    }
    rest = newest.get(ELSEWHERE, NO_TAX)
    return {country: newest.get(country, rest) for country in taxes}
