"""The column type of a plan's price: an amount and its currency, in two columns."""

from typing import TYPE_CHECKING, Any

from django.db import models
from djmoney.money import Money

if TYPE_CHECKING:

    class Amounts(models.Field[Money, Money]):
        """What django-money, which ships no types, means to the type checker."""

        _pyi_private_set_type: Money
        _pyi_private_get_type: Money
        _pyi_lookup_exact_type: Money

else:
    from djmoney.models.fields import MoneyField as Amounts


class PriceField(Amounts):
    """Money of at most three decimal places."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"max_digits": 12, "decimal_places": 3}
        super().__init__(*args, **kwargs)
