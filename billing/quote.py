"""What a purchase would cost and until when its credit is valid (rule 4.2)."""

from dataclasses import dataclass
from datetime import date, datetime

from accounts.models import Organisation
from billing.amount_limits import check_amount, check_room, terms_of
from billing.tax_rates import read_tax, tax_on
from credits.expiry_date import expiry_of, last_day
from credits.models import Wallet
from credits.money import Micros


@dataclass(frozen=True)
class TopUpQuote:
    """The review page's figures; amounts in micros of `currency`."""

    currency: str
    credit: Micros
    tax: Micros
    expires_at: datetime
    last_day: date

    @property
    def total(self) -> Micros:
        return self.credit + self.tax


def quote_top_up(
    organisation: Organisation, amount: Micros, *, at: datetime
) -> TopUpQuote:
    """The figures, if the amount may be bought now; else a ValidationError."""
    terms = terms_of(organisation.currency)
    check_amount(amount, terms)
    check_room(amount, Wallet.objects.get(pk=organisation.pk), terms, at=at)
    tax = read_tax(organisation.country, organisation.local_day(at))
    return TopUpQuote(
        currency=organisation.currency,
        credit=amount,
        tax=tax_on(amount, tax, organisation.currency),
        expires_at=expiry_of(at, organisation.zone),
        last_day=last_day(at, organisation.zone),
    )
