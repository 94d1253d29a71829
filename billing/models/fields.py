"""The column type of what is sold: an amount that shares its row's currency column."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models
from djmoney.money import Money

from credits.money import Micros, to_decimal, to_micros

if TYPE_CHECKING:

    class Amounts(models.Field[Money, Money]):
        """What django-money, which ships no types, means to the type checker."""

        _pyi_private_set_type: Money
        _pyi_private_get_type: Money
        _pyi_lookup_exact_type: Money

else:
    from djmoney.models.fields import MoneyField as Amounts


class AmountField(Amounts):
    """Money of at most three decimal places; every amount of a row has one currency."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {
            "max_digits": 14,
            "decimal_places": 3,
            "currency_field_name": "currency",
        }
        super().__init__(*args, **kwargs)

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        """A plain amount: the currency stands in its own field, once for all."""
        return models.DecimalField.formfield(self, *args, **kwargs)

    def value_from_object(self, obj: models.Model) -> Any:
        return getattr(obj, self.attname).amount


def sold_money(micros: Micros, currency: str) -> Money:
    """The amount as a sale holds it; what is finer stays, and is refused there."""
    exact = to_decimal(micros)
    rounded = exact.quantize(Decimal("0.001"))
    return Money(rounded if rounded == exact else exact, currency)


def micros_stored(amount: Any) -> Micros:
    """Of an amount read as a bare column, which the column's type does not say."""
    return to_micros(amount)
