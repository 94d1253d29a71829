"""The outbox: one row per message owed to one address (rule 11)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.notice_kinds import NoticeKind
from accounts.models.people import Language, Organisation


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
