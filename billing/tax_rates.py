"""Which tax a customer pays on a day: none, or the rate of its country (rule 10.4).

Prices are net. A sale of credit is a document of its own: its tax is rounded once, to
the step of its currency (rule 10.3).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from accounts.models import Organisation, ProviderSettings, TaxPolicy
from billing.models import TaxRate
from credits.money import Micros, currency_of, round_half_up

ELSEWHERE = ""
WHOLE = 100_000  # thousandths of a percent


@dataclass(frozen=True)
class Tax:
    """A rate by its name; zero percent where nothing is added."""

    name: str = ""
    percent: Decimal = Decimal(0)

    @property
    def thousandths(self) -> int:
        """Of a percent: 5 % are 5,000."""
        return int(self.percent.scaleb(3))


NO_TAX = Tax()


def read_tax(country: str, day: date) -> Tax:
    """The tax of one country on a day of the customer's."""
    return read_taxes({0: (country, day)})[0]


def read_taxes(buyers: Mapping[int, tuple[str, date]]) -> dict[int, Tax]:
    """Of each buyer, its country's rate on its day; two statements, one without tax."""
    if not buyers or ProviderSettings.current().tax_policy != TaxPolicy.BY_COUNTRY:
        return dict.fromkeys(buyers, NO_TAX)
    wanted = {ELSEWHERE, *(country for country, _day in buyers.values())}
    rates: dict[str, list[TaxRate]] = {}
    for rate in TaxRate.objects.filter(country__in=wanted).order_by("-valid_from"):
        rates.setdefault(rate.country, []).append(rate)

    def tax_of(country: str, day: date) -> Tax:
        for rate in (*rates.get(country, ()), *rates.get(ELSEWHERE, ())):
            if rate.valid_from <= day:
                return Tax(rate.name, rate.percent)
        return NO_TAX

    return {pk: tax_of(*buyer) for pk, buyer in buyers.items()}


def tax_on(net: Micros, tax: Tax, currency: str) -> Micros:
    """What is added to a net amount: half-up to the currency's step."""
    step = currency_of(currency).step
    return round_half_up(net * tax.thousandths, WHOLE * step) * step


def credit_of(organisation: Organisation, gross: Micros, at: datetime) -> Micros:
    """The credit that an organisation gets now for what it has paid, tax included."""
    tax = read_tax(organisation.country, organisation.local_day(at))
    return gross - tax_within(gross, tax, organisation.currency)


def tax_within(gross: Micros, tax: Tax, currency: str) -> Micros:
    """What a gross amount holds of tax; the rest, half-up to the step, is net."""
    step = currency_of(currency).step
    net = round_half_up(gross * WHOLE, (WHOLE + tax.thousandths) * step) * step
    return gross - net
