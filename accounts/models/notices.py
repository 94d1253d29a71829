"""The outbox: one row per message owed to one address (rule 11)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.people import Language, Organisation

POOL_FACTS = ("plan", "granted", "left", "resets_at", "path")
LIMIT_FACTS = ("line", "spent", "limit", "currency", "resets_at", "path")
RISE_FACTS = (
    *("valid_from", "dearer", "destination", "before", "after", "currency", "path"),
)


class NoticeKind(models.TextChoices):
    """Which template is sent; the value is its folder under templates/email/."""

    RECEIPT = "receipt", _("Receipt")
    TOP_UP_FAILED = "top_up_failed", _("Payment failed")
    BALANCE_ZERO = "balance_zero", _("Balance used up")
    POOL_LOW = "pool_low", _("Plan minutes low")
    POOL_USED = "pool_used", _("Plan minutes used up")
    LINE_LIMIT_NEAR = "line_limit_near", _("Line near its monthly limit")
    LINE_LIMIT_REACHED = "line_limit_reached", _("Line at its monthly limit")
    RATES_CHANGE = "rates_change", _("Rates change")
    USAGE_EXPORT = "usage_export", _("List of calls")

    @property
    def facts(self) -> frozenset[str]:
        """What the template needs to know; amounts in micros, instants as ISO text."""
        return {
            NoticeKind.RECEIPT: frozenset(
                {"amount", "currency", "receipt", "paid_at", "expires_at", "path"}
            ),
            NoticeKind.TOP_UP_FAILED: frozenset(
                {"amount", "currency", "reason", "path"}
            ),
            NoticeKind.BALANCE_ZERO: frozenset({"currency", "path"}),
            NoticeKind.POOL_LOW: frozenset(POOL_FACTS),
            NoticeKind.POOL_USED: frozenset(POOL_FACTS),
            NoticeKind.LINE_LIMIT_NEAR: frozenset(LIMIT_FACTS),
            NoticeKind.LINE_LIMIT_REACHED: frozenset(LIMIT_FACTS),
            NoticeKind.RATES_CHANGE: frozenset(RISE_FACTS),
            NoticeKind.USAGE_EXPORT: frozenset(
                {"first", "last", "calls", "expires_at", "path"}
            ),
        }[self]


class Notice(models.Model):
    """A message we owe someone; sent after commit, at least once, keyed once."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, null=True, blank=True
    )
    kind = models.CharField(max_length=40, choices=NoticeKind)
    episode = models.CharField(
        max_length=200, help_text=_("What happened; one message each per address.")
    )
    recipient = models.EmailField()
    language = models.CharField(max_length=10, choices=Language)
    context = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    next_try_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "episode", "recipient"], name="one_notice_per_episode"
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"],
                condition=models.Q(sent_at=None),
                name="notices_to_send",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.recipient}"
