"""The column type of money in hot tables."""

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from django.db.models.expressions import Combinable

    Integers = models.BigIntegerField[int | Combinable | None, int]
else:
    Integers = models.BigIntegerField


class MicrosField(Integers):
    """An exact whole number of millionths of a currency unit.

    SQLite would add decimals up as floats, and a Decimal a row is slow; so hot tables
    hold integers. Anything but an int is refused before it reaches the database.
    """

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, float):
            raise TypeError(f"{self.name} is money and never a float.")
        return super().get_prep_value(value)
