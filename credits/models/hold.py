"""What running calls have set aside: money, pool minutes, a line's month (rule 9.4).

A hold names pool and line month by plain ids: they are calling's, which is above.
"""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from credits.models.fields import MicrosField


class HoldState(models.TextChoices):
    """How a hold stands; nothing leaves the last three."""

    OPEN = "open", _("Call in progress")
    SETTLED = "settled", _("Charged from its record")
    RELEASED = "released", _("Released")
    LAPSED = "lapsed", _("Ended without a record")


class HoldQuerySet(models.QuerySet["Hold"]):
    def still_open(self) -> "HoldQuerySet":
        return self.filter(state=HoldState.OPEN)


class Hold(models.Model):
    """One call that was allowed to start, and what it may still cost at most.

    Opened, extended and closed under the wallet's lock. `Wallet.reserved` is the sum of
    the open ones' amounts and `Wallet.live_calls` their number.
    """

    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        related_name="holds",
        db_constraint=False,
        db_index=False,
    )
    call_key = models.CharField(
        max_length=255, help_text=_("The source's short name and its name of the call.")
    )
    source_id = models.BigIntegerField()
    line_id = models.BigIntegerField(null=True, blank=True)
    pool_id = models.BigIntegerField(null=True, blank=True)
    line_month_id = models.BigIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=25)
    caller = models.CharField(max_length=128, blank=True)
    callee = models.CharField(max_length=128, blank=True)
    amount = MicrosField(default=0, help_text=_("Money set aside, in millionths."))
    pool_seconds = models.PositiveIntegerField(default=0)
    granted_seconds = models.PositiveIntegerField(
        help_text=_("In all, counted from the answer.")
    )
    sequence = models.PositiveIntegerField(
        default=1, help_text=_("Rises by one with each extension.")
    )
    state = models.CharField(
        _("state"), max_length=10, choices=HoldState, default=HoldState.OPEN
    )
    # What was answered last; the same question again gets it word for word.
    answer = models.JSONField(default=dict)
    opened_at = models.DateTimeField(_("opened at"))
    deadline_at = models.DateTimeField(_("ends by itself at"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    objects = HoldQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        permissions = [("release_hold", _("Can release a stuck hold"))]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organisation", "call_key"], name="one_hold_per_call"
            ),
            models.CheckConstraint(
                name="hold_amount_not_negative", condition=Q(amount__gte=0)
            ),
            models.CheckConstraint(
                name="hold_closed_when_over",
                condition=Q(state="open", closed_at=None)
                | ~Q(state="open") & Q(closed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="hold_ends_later", condition=Q(deadline_at__gt=F("opened_at"))
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["deadline_at", "organisation"],
                condition=Q(state="open"),
                name="holds_that_end",
            ),
            models.Index(
                fields=["organisation", "opened_at"],
                condition=Q(state="open"),
                name="holds_of_live_calls",
            ),
        ]

    def __str__(self) -> str:
        return self.call_key

    @property
    def is_open(self) -> bool:
        return self.state == HoldState.OPEN
