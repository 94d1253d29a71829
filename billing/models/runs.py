"""When our books were last compared with Stripe's, and what was found."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from credits.display import money_text
from credits.money import Micros


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
    # Where it goes on, so that a page which was counted is not counted again.
    position = models.CharField(
        max_length=300, blank=True, db_default="", editable=False
    )

    objects: ClassVar[models.Manager["ReconciliationRun"]] = models.Manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("reconciliation")
        verbose_name_plural = _("reconciliations")

    def __str__(self) -> str:
        return f"{self.kind} {self.started_at:%Y-%m-%d %H:%M}"


class TotalKind(models.TextChoices):
    PAID = "paid", _("Paid")
    REFUNDED = "refunded", _("Refunded")
    DISPUTED = "disputed", _("Disputed")


class ReconciliationTotal(models.Model):
    """What the books of either side add up to over the seven days of a run.

    Whole micros of the currency. Ours is what our rows say, theirs what Stripe says of
    the same payments and of any that we have no row for.
    """

    run = models.ForeignKey(
        ReconciliationRun, on_delete=models.PROTECT, related_name="totals"
    )
    kind = models.CharField(_("kind"), max_length=10, choices=TotalKind)
    currency = models.CharField(_("currency"), max_length=3)
    ours = models.BigIntegerField(_("ours"), default=0)
    theirs = models.BigIntegerField(_("Stripe's"), default=0)

    objects: ClassVar[models.Manager["ReconciliationTotal"]] = models.Manager()

    class Meta:
        ordering = ["run_id", "currency", "kind"]
        verbose_name = _("total of a reconciliation")
        verbose_name_plural = _("totals of reconciliations")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["run", "kind", "currency"], name="one_total_per_run"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.currency}"

    @property
    def difference(self) -> Micros:
        """Above nothing where we have more than Stripe."""
        return self.ours - self.theirs

    @property
    def ours_shown(self) -> str:
        return money_text(self.ours, self.currency)

    @property
    def theirs_shown(self) -> str:
        return money_text(self.theirs, self.currency)

    @property
    def difference_shown(self) -> str:
        return money_text(self.difference, self.currency)
