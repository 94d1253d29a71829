"""Stripe's events as they came in, each kept once."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class StripeInbox(models.Model):
    """One event Stripe sent; a job works it, and may work it again (rule 4.4).

    The event only says where to look: what it is about is fetched from Stripe.
    """

    event_id = models.CharField(max_length=255, unique=True)
    type = models.CharField(_("type"), max_length=100)
    payload = models.JSONField()
    received_at = models.DateTimeField(_("received at"))
    worked_at = models.DateTimeField(_("worked at"), null=True, blank=True)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("Stripe event")
        verbose_name_plural = _("Stripe events")
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["received_at"],
                condition=models.Q(worked_at=None),
                name="stripe_events_to_work",
            )
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"
