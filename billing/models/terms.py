"""What staff decide about selling: terms per currency, and numbers handed out."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models.fields import AmountField
from credits.money import CURRENCIES, Micros, currency_of, from_money


class TopUpTerms(models.Model):
    """For how much credit is sold in one currency (rule 4.1)."""

    currency = models.CharField(_("currency"), max_length=3, unique=True)
    minimum = AmountField(_("smallest purchase"))
    maximum = AmountField(_("largest purchase"))
    maximum_balance = AmountField(_("largest balance"))

    objects: ClassVar[models.Manager["TopUpTerms"]] = models.Manager()

    class Meta:
        ordering = ["currency"]
        verbose_name = _("terms of sale")
        verbose_name_plural = _("terms of sale")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="top_up_terms_in_order",
                condition=Q(
                    minimum__gt=0,
                    maximum__gte=F("minimum"),
                    maximum_balance__gte=F("maximum"),
                ),
                violation_error_code="top_up_terms_in_order",
                violation_error_message=_(
                    "The smallest purchase is above zero, the largest is not below "
                    "it, and the largest balance holds the largest purchase."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.currency

    def clean(self) -> None:
        super().clean()
        currency = currency_of(self.currency)
        for name in ("minimum", "maximum", "maximum_balance"):
            money = getattr(self, name)
            if money is not None and from_money(money) % currency.step:
                raise ValidationError(
                    {
                        name: ValidationError(
                            _("This is finer than the currency's smallest step."),
                            "finer_than_step",
                        )
                    }
                )

    @property
    def minimum_micros(self) -> Micros:
        return from_money(self.minimum)

    @property
    def maximum_micros(self) -> Micros:
        return from_money(self.maximum)

    @property
    def maximum_balance_micros(self) -> Micros:
        return from_money(self.maximum_balance)

    @classmethod
    def known_currencies(cls) -> list[str]:
        """Currencies that have terms and stand in the money table."""
        named = cls.objects.values_list("currency", flat=True)
        return [code for code in named if code in CURRENCIES]


class NumberSeries(models.Model):
    """Numbers without gaps: the row is locked until the document is committed."""

    name = models.CharField(max_length=20, unique=True)
    last = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("number series")
        verbose_name_plural = _("number series")

    def __str__(self) -> str:
        return f"{self.name}-{self.last:04d}"
