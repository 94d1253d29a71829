"""What staff and customers did, and what waits for staff."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.people import Organisation, User


class AuditEvent(models.Model):
    """Who did what to whose money or settings; written by the verb, never changed."""

    at = models.DateTimeField()
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, null=True, blank=True
    )
    actor = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True)
    verb = models.CharField(max_length=60)
    object = models.CharField(max_length=100, blank=True)
    reason = models.TextField(blank=True)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    ip = models.GenericIPAddressField(null=True, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        indexes = [
            models.Index(fields=["organisation", "-at"], name="audit_by_organisation")
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.verb} {self.object}"


class StaffTask(models.Model):
    """Something only a person can decide; its reference makes it appear once."""

    kind = models.CharField(max_length=40)
    reference = models.CharField(max_length=200)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, null=True, blank=True
    )
    detail = models.TextField()
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True)

    class Meta:
        ordering = ["done_at", "created_at"]
        verbose_name = _("staff task")
        verbose_name_plural = _("staff tasks")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "reference"], name="one_task_per_cause"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.reference}"
