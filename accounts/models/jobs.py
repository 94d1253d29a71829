"""Who runs which job right now, and how each went last."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class JobRun(models.Model):
    """A job's lock and its latest run; one row per name, taken by compare-and-set.

    A job that works on one thing carries it in its name (`…work_inbox:17`), and its
    row goes once the job ends well.
    """

    name = models.CharField(_("job"), max_length=200, unique=True)
    # Whose turn it is; a turn that was never ended runs out.
    claim = models.CharField(max_length=32, blank=True, editable=False)
    locked_until = models.DateTimeField(_("locked until"), null=True, blank=True)
    asked_again = models.BooleanField(
        default=False, help_text=_("Somebody asked for it while it ran.")
    )
    cursor = models.CharField(
        _("goes on after"), max_length=200, blank=True, editable=False
    )
    first_started_at = models.DateTimeField(_("first started"))
    started_at = models.DateTimeField(_("last started"), null=True, blank=True)
    succeeded_at = models.DateTimeField(_("last success"), null=True, blank=True)
    milliseconds = models.PositiveIntegerField(_("duration in ms"), default=0)
    failed_at = models.DateTimeField(_("last failure"), null=True, blank=True)
    error = models.TextField(_("last error"), blank=True)

    objects: ClassVar[models.Manager["JobRun"]] = models.Manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="job_lock_is_whole",
                condition=Q(claim="", locked_until=None)
                | ~Q(claim="") & Q(locked_until__isnull=False),
                violation_error_code="job_lock_is_whole",
                violation_error_message=_("A lock has a holder and an end."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_failed(self) -> bool:
        """Whether it failed since it last succeeded."""
        return bool(self.error)
