"""Credits are put on sale in a currency, or its terms changed (rule 4.1).

Doing it again with the same figures changes nothing. Locks nothing: a sale reads the
terms when it starts.
"""

from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import User
from billing.models import TopUpTerms
from billing.models.fields import sold_money
from credits.money import Micros, currency_of, to_micros


class Limits(NamedTuple):
    """Smallest purchase, largest purchase, largest balance."""

    minimum: Micros
    maximum: Micros
    maximum_balance: Micros


# About 50, 10,000 and 50,000 US dollars (rule 4.1).
_IN_UNITS = {
    "USD": (50, 10_000, 50_000),
    "EUR": (50, 10_000, 50_000),
    "GBP": (40, 8_000, 40_000),
    "CAD": (70, 14_000, 70_000),
    "AUD": (75, 15_000, 75_000),
    "HKD": (400, 80_000, 400_000),
    "SGD": (70, 14_000, 70_000),
    "TWD": (1_500, 300_000, 1_500_000),
    "JPY": (7_500, 1_500_000, 7_500_000),
    "KWD": (15, 3_000, 15_000),
}


def usual_limits(currency: str) -> Limits:
    return Limits(
        *(to_micros(units) for units in _IN_UNITS[currency_of(currency).code])
    )


def set_terms(
    currency: str, limits: Limits, *, actor: User | None, at: datetime
) -> TopUpTerms:
    """The terms; a ValidationError names what does not fit together."""
    wanted = {
        name: sold_money(micros, currency)
        for name, micros in zip(Limits._fields, limits, strict=True)
    }
    with transaction.atomic():
        terms = TopUpTerms.objects.filter(currency=currency).first()
        if terms is None:
            terms = TopUpTerms(currency=currency, **wanted)
        before = _shown(terms) if terms.pk else None
        for name, money in wanted.items():
            setattr(terms, name, money)
        terms.full_clean()
        if before != _shown(terms):
            terms.save()
            record_audit(
                "set_terms",
                at=at,
                actor=actor,
                object=f"terms:{currency}",
                before=before,
                after=_shown(terms),
            )
    return terms


def _shown(terms: TopUpTerms) -> dict[str, str]:
    return {name: str(getattr(terms, name).amount) for name in Limits._fields}
