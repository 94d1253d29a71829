"""The test cards: the number decides what happens, as `cards.json` says.

Any expiry in the future and any security code will do. A number that is valid but not
in the table is declined, as a real card in test mode is.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from sandbox.stripe.errors import CardRefusal, Json

TABLE: Json = json.loads(Path(__file__).with_name("cards.json").read_text())
NAMES: dict[str, str] = TABLE["names"]


@dataclass(frozen=True)
class Decline:
    reason: str
    code: str
    message: str
    advice: str = "try_again_later"

    @property
    def decline_code(self) -> str | None:
        """Stripe gives one only where the code itself does not say it all."""
        says_more = self.code in ("card_declined", "authentication_required")
        return self.reason if says_more else None


@dataclass(frozen=True)
class Card:
    """When does it ask for authentication, and what does it say when charged?

    `disputes` is the reason its charges are disputed for, or `inquiry`; `refunds_end`
    is what becomes of a refund after a while.
    """

    brand: str = "visa"
    declines: str = ""
    asks_on_session: bool = False
    asks_off_session: bool = False
    set_up_suffices: bool = False
    attaches: bool = True
    disputes: str = ""
    refunds_end: str | None = None

    @property
    def decline(self) -> Decline | None:
        return DECLINES[self.declines] if self.declines else None

    def asks(self, *, off_session: bool, was_set_up: bool) -> bool:
        if not off_session:
            return self.asks_on_session
        return self.asks_off_session and not (was_set_up and self.set_up_suffices)


DECLINES = {name: Decline(name, **facts) for name, facts in TABLE["declines"].items()}
CARDS = {number: Card(**facts) for number, facts in TABLE["cards"].items()}
GENERIC = DECLINES["generic_decline"]


def card_of(method: Json) -> Card:
    unknown = Card(declines="test_mode_live_card", attaches=False)
    return CARDS.get(method["_number"], unknown)


def brand_of(number: str) -> str:
    if number in CARDS:
        return CARDS[number].brand
    return {"3": "amex", "5": "mastercard"}.get(number[0], "visa")


def refuse(decline: Decline, param: str | None = None) -> CardRefusal:
    extra: Json = {"advice_code": decline.advice}
    if decline.decline_code:
        extra["decline_code"] = decline.decline_code
    return CardRefusal(decline.message, code=decline.code, param=param, extra=extra)


def is_plausible(number: str) -> bool:
    """The check digit every card number carries."""
    if not number.isdecimal() or not 12 <= len(number) <= 19:
        return False
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def check_details(
    number: str, expiry: tuple[int, int], cvc: str, now: tuple[int, ...]
) -> None:
    """Refuses what Stripe refuses before it asks any bank. Times are (year, month)."""
    if not is_plausible(number):
        raise refuse(DECLINES["incorrect_number"], "number")
    year, month = expiry
    if not 1 <= month <= 12:
        raise _wrong("expiration month", "invalid_expiry_month", "exp_month")
    if expiry < now or year > now[0] + 50:
        raise _wrong("expiration year", "invalid_expiry_year", "exp_year")
    digits = 4 if brand_of(number) == "amex" else 3
    if cvc and not (cvc.isdecimal() and len(cvc) == digits):
        raise _wrong("security code", "invalid_cvc", "cvc")


def _wrong(what: str, code: str, param: str) -> CardRefusal:
    return CardRefusal(f"Your card's {what} is invalid.", code=code, param=param)
