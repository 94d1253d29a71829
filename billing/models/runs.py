"""When our books were last compared with Stripe's, and what was found."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class ReconciliationKind(models.TextChoices):
    OPEN_ORDERS = "open_orders", _("Our open orders, asked at Stripe")
    BOTH_WAYS = "both_ways", _("Seven days, in both directions")


class ReconciliationRun(models.Model):
    """One comparison; what differs is a staff task that names this run's kind."""

    kind = models.CharField(_("kind"), max_length=15, choices=ReconciliationKind)
    started_at = models.DateTimeField(_("started at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    compared = models.PositiveIntegerField(_("compared"), default=0)
    differences = models.PositiveIntegerField(_("differences"), default=0)
    error = models.TextField(_("error"), blank=True)

    objects: ClassVar[models.Manager["ReconciliationRun"]] = models.Manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("reconciliation")
        verbose_name_plural = _("reconciliations")

    def __str__(self) -> str:
        return f"{self.kind} {self.started_at:%Y-%m-%d %H:%M}"
