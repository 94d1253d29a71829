"""Who runs this Tollgate: one row, edited by staff (rule 1.1)."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords


class TaxPolicy(models.TextChoices):
    """Whether prices are net and tax is added by the customer's country (rule 10.4)."""

    NONE = "none", _("No tax is added")
    BY_COUNTRY = "by_country", _("Tax by the customer's country")


class ProviderSettings(models.Model):
    """Name, address, bank and support details shown to customers."""

    name = models.CharField(_("name"), max_length=150, default="Tollgate")
    address = models.TextField(_("address"), blank=True)
    tax_id = models.CharField(_("tax id"), max_length=30, blank=True)
    bank_details = models.TextField(_("bank details"), blank=True)
    support_email = models.EmailField(_("support e-mail"), blank=True)
    support_phone = models.CharField(_("support phone"), max_length=30, blank=True)
    terms_version = models.CharField(_("terms version"), max_length=20, default="1")
    terms_url = models.URLField(_("terms of service"), blank=True)
    tax_policy = models.CharField(
        _("tax"), max_length=10, choices=TaxPolicy, default=TaxPolicy.NONE
    )
    # In Taiwan 發票 is the state's uniform invoice; without one the word is 帳單.
    issues_uniform_invoices = models.BooleanField(
        _("issues uniform invoices (Taiwan)"), default=False
    )
    days_to_pay = models.PositiveSmallIntegerField(
        _("invoices are due after (days)"), default=14
    )
    restrict_after_days = models.PositiveSmallIntegerField(
        _("late: paid calls stop after (days)"), default=7
    )
    suspend_after_days = models.PositiveSmallIntegerField(
        _("late: the service stops after (days)"), default=14
    )

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("provider settings")
        verbose_name_plural = _("provider settings")
        constraints = [
            models.CheckConstraint(name="one_provider", condition=models.Q(pk=1)),
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def current(cls) -> "ProviderSettings":
        """The row, or its defaults where nobody has saved one yet."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)
