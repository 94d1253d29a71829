"""What Stripe will charge: known currencies, their decimals, their least amounts."""

import json
from pathlib import Path

from sandbox.stripe.errors import Json, refusal

TABLE: Json = json.loads(Path(__file__).with_name("currencies.json").read_text("utf-8"))
NO_DECIMALS = TABLE["no_decimals"].split()
THREE_DECIMALS = TABLE["three_decimals"].split()
KNOWN = sorted([*NO_DECIMALS, *THREE_DECIMALS, *TABLE["two_decimals"].split()])
LARGEST = 99_999_999


def smallest(currency: str) -> int:
    least: int = TABLE["smallest"].get(currency, 1)
    return least


def shown(amount: int, currency: str) -> str:
    """`US$1,234.50`, or the code where there is no sign."""
    places = 0 if currency in NO_DECIMALS else 3 if currency in THREE_DECIMALS else 2
    whole, rest = divmod(amount, 10**places)
    number = f"{whole:,}" + (f".{rest:0{places}d}" if places else "")
    return f"{TABLE['signs'].get(currency, f'{currency.upper()} ')}{number}"


def known_currency(currency: str) -> str:
    if currency.lower() not in KNOWN:
        raise refusal("currency_unknown", currency=currency, known=", ".join(KNOWN))
    return currency.lower()


def check_amount(amount: int, currency: str, whose: str = "Amount") -> None:
    least = smallest(currency)
    said: Json = {"whose": whose, "currency": currency}
    if amount < least:
        raise refusal("amount_too_small", least=shown(least, currency), **said)
    if amount > LARGEST:
        raise refusal("amount_too_large", most=shown(LARGEST, currency), **said)
    if currency in THREE_DECIMALS and amount % 10:
        raise refusal("amount_too_exact", currency=currency)
