"""How much credit may be bought at a time and held in all (rule 4.1).

Judged when a sale starts, never when it is delivered.
"""

from collections.abc import Callable
from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from billing.models import TopUpTerms
from credits.display import money_text
from credits.models import Wallet
from credits.money import Micros, currency_of
from credits.statement import balance_of


def terms_of(currency: str) -> TopUpTerms:
    """The terms of sale of a currency; a ValidationError where there are none."""
    found = TopUpTerms.objects.filter(currency=currency).first()
    if found is None:
        raise ValidationError(
            _("Credits are not sold in %(currency)s."),
            "currency_not_offered",
            {"currency": currency},
        )
    return found


def check_amount(amount: Micros, terms: TopUpTerms) -> None:
    """Refuses an amount outside the terms or finer than the currency's step."""
    refuse = _refusal_in(terms.currency)
    if amount < terms.minimum_micros:
        raise refuse(
            "below_minimum",
            _("The smallest amount is %(amount)s."),
            terms.minimum_micros,
        )
    if amount > terms.maximum_micros:
        raise refuse(
            "above_maximum",
            _("The largest amount is %(amount)s at a time."),
            terms.maximum_micros,
        )
    step = currency_of(terms.currency).step
    if amount % step:
        raise refuse("finer_than_step", _("Amounts go in steps of %(amount)s."), step)


def check_room(
    amount: Micros, wallet: Wallet, terms: TopUpTerms, *, at: datetime
) -> None:
    """Refuses what would lift the balance, incoming counted, above the largest."""
    held = balance_of(wallet, at).balance + wallet.incoming
    room = terms.maximum_balance_micros - held
    if amount > room:
        raise _refusal_in(terms.currency)(
            "above_maximum_balance",
            _("The balance may grow by %(amount)s at most."),
            max(room, 0),
        )


def _refusal_in(
    currency: str,
) -> Callable[[str, str | Promise, Micros], ValidationError]:
    def refusal(code: str, sentence: str | Promise, amount: Micros) -> ValidationError:
        shown = {"amount": money_text(amount, currency)}
        return ValidationError({"amount": ValidationError(str(sentence), code, shown)})

    return refusal
