"""Bank transfers customers announce; staff match them with what arrived (rule 4.6)."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from billing.models.fields import AmountField
from credits.models import PrepaidOnly
from credits.money import Micros, from_money


class TransferState(models.TextChoices):
    ANNOUNCED = "announced", _("Announced")
    MATCHED = "matched", _("Arrived")
    CANCELLED = "cancelled", _("Cancelled")


class TransferAnnouncement(PrepaidOnly):
    """What a customer says it will transfer; not spendable until it arrives.

    It is where the sale begins: what arrives after a move to NCE is still delivered
    (rule 2.2), by a payment that names it. It has arrived exactly when one does.
    """

    reference = models.CharField(
        _("reference to quote"), max_length=20, unique=True, editable=False
    )
    currency = models.CharField(_("currency"), max_length=3)
    amount = AmountField(_("amount"))
    purchase_order = models.CharField(_("purchase order"), max_length=50, blank=True)
    client_key = models.CharField(max_length=300)
    state = models.CharField(
        _("state"),
        max_length=10,
        choices=TransferState,
        default=TransferState.ANNOUNCED,
    )
    announced_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )
    announced_at = models.DateTimeField(_("announced at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    objects: ClassVar[models.Manager["TransferAnnouncement"]] = models.Manager()

    class Meta(PrepaidOnly.Meta):
        ordering = ["-id"]
        verbose_name = _("announced transfer")
        verbose_name_plural = _("announced transfers")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            *PrepaidOnly.Meta.constraints,
            models.UniqueConstraint(
                fields=["organisation", "client_key"],
                name="transfer_once_per_client_key",
            ),
            models.CheckConstraint(
                name="transfer_positive",
                condition=Q(amount__gt=0),
                violation_error_code="transfer_positive",
                violation_error_message=_("A transfer is more than nothing."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference}: {self.amount}"

    def get_absolute_url(self) -> str:
        return reverse("transfer", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.state == TransferState.ANNOUNCED

    @property
    def amount_micros(self) -> Micros:
        return from_money(self.amount)
