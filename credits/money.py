"""Exact money: micros inside, Decimal and Money at the edges, one table of currencies.

One micro is a millionth of the currency unit. This is the only module that converts and
the only one that rounds; the rounding functions are called at the moments of rule 10.3
and nowhere else. Floats are refused with TypeError.
"""

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from djmoney.money import Money

Micros: TypeAlias = int  # millionths of a currency unit
MICROS_PER_UNIT = 1_000_000


@dataclass(frozen=True)
class Currency:
    """How one currency is shown, sold and sent to Stripe (rule 3.1)."""

    code: str
    sign: str
    places: int
    stripe_places: int
    step: Micros

    @property
    def micros_per_minor(self) -> Micros:
        """Micros in the smallest unit that is shown and invoiced."""
        return int(10 ** (6 - self.places))


CURRENCIES: dict[str, Currency] = {
    currency.code: currency
    for currency in (
        Currency("USD", "US$", 2, 2, 10_000),
        Currency("EUR", "€", 2, 2, 10_000),
        Currency("GBP", "£", 2, 2, 10_000),
        Currency("CAD", "CA$", 2, 2, 10_000),
        Currency("AUD", "A$", 2, 2, 10_000),
        Currency("HKD", "HK$", 2, 2, 10_000),
        Currency("SGD", "S$", 2, 2, 10_000),
        # Sold in whole dollars although Stripe counts its cents.
        Currency("TWD", "NT$", 0, 2, 1_000_000),
        Currency("JPY", "JP¥", 0, 0, 1_000_000),
        # Stripe counts thousandths of a dinar but takes only multiples of ten.
        Currency("KWD", "KWD ", 3, 3, 10_000),
    )
}


def currency_of(code: str) -> Currency:
    """The currency of a code; raises ValidationError for one Tollgate does not know."""
    try:
        return CURRENCIES[code]
    except KeyError:
        raise ValidationError(
            _("%(code)s is not a currency that can be used here."),
            "unknown_currency",
            {"code": code},
        ) from None


def to_micros(amount: Decimal | str | int) -> Micros:
    """Whole micros of an amount in units. Refuses floats, NaN and finer fractions."""
    if isinstance(amount, float):
        raise TypeError("Money is never a float.")
    try:
        micros = Decimal(amount).scaleb(6)
    except InvalidOperation:
        raise ValidationError(_("This is not an amount."), "not_an_amount") from None
    if not micros.is_finite() or micros != micros.to_integral_value():
        raise ValidationError(
            _("Amounts have at most six decimal places."), "too_many_places"
        )
    if abs(micros) >= 2**63:
        raise ValidationError(_("This amount is too large."), "too_large")
    return int(micros)


def to_decimal(micros: Micros) -> Decimal:
    """The amount in units, exact to six places: 1_500_000 → Decimal('1.500000')."""
    return Decimal(micros).scaleb(-6)


def to_money(micros: Micros, currency: str) -> Money:
    return Money(to_decimal(micros), currency)


def from_money(money: Money) -> Micros:
    return to_micros(money.amount)


def amount_text(micros: Micros) -> str:
    """The amount as JSON and CSV carry it: always six places."""
    return f"{to_decimal(micros):.6f}"


# --- rounding (rule 10.3): every function below is called in one place ----------------


def round_half_up(numerator: int, denominator: int) -> int:
    """The whole number nearest to a fraction; a half goes away from zero."""
    if denominator <= 0:
        raise ValueError("The denominator must be positive.")
    if numerator < 0:
        return -round_half_up(-numerator, denominator)
    return (2 * numerator + denominator) // (2 * denominator)


def round_down_to_step(micros: Micros, step: Micros) -> Micros:
    """The largest multiple of a step that is not above a non-negative amount."""
    return micros - micros % step


# --- what people type -----------------------------------------------------------------

_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?$")
_PLAIN = re.compile(r"\d+(\.\d*)?$|\.\d+$")


def parse_amount(text: str, currency: Currency) -> Micros:
    """Micros of an amount a person typed, such as `1,000`, `１０００` or `50.25`.

    Full-width digits and spaces are accepted (rule 4.1); an amount finer than the
    currency's step, or one that may mean two things, is a ValidationError.
    """
    plain = _plain(text)
    if currency.places != 3 and re.fullmatch(r"\d{1,3}\.\d{3}", plain):
        raise ValidationError(
            _("%(text)s may mean two amounts; write it without the point."),
            "ambiguous_amount",
            {"text": plain},
        )
    micros = to_micros(plain.replace(",", ""))
    if micros % currency.step:
        raise ValidationError(
            _("Amounts in %(currency)s go in steps of %(step)s."),
            "finer_than_step",
            {
                "currency": currency.code,
                "step": f"{to_decimal(currency.step):f}".rstrip("0").rstrip("."),
            },
        )
    return micros


def parse_exact(text: str) -> Micros:
    """Micros of an amount that may be as fine as a call's price, such as `0.0138`."""
    return to_micros(_plain(text).replace(",", ""))


def _plain(text: str) -> str:
    """ASCII digits without spaces; a ValidationError unless they are an amount."""
    plain = unicodedata.normalize("NFKC", text).replace("\u202f", "")
    plain = re.sub(r"\s", "", plain)
    if not (_GROUPED.match(plain) or _PLAIN.match(plain)):
        raise ValidationError(
            _("Enter an amount such as 1,000 or 50.25."), "not_an_amount"
        )
    return plain
