"""Money as every API answer carries it."""

from ninja import Schema

from credits.money import Micros, amount_text


class MoneyOut(Schema):
    """An exact amount; six decimal places, never a float."""

    amount: str
    currency: str


def money_out(micros: Micros, currency: str) -> MoneyOut:
    return MoneyOut(amount=amount_text(micros), currency=currency)
