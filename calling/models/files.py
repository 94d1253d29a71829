"""Files of calls: those that staff hand in, and those that customers are mailed."""

from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from calling.models.sources import Source


class CallUpload(models.Model):
    """A file of call records that staff handed in; the same bytes only once a source.

    Kept until it is worked through, then its result, a line to each row, instead.
    """

    source = models.ForeignKey(
        Source, on_delete=models.PROTECT, related_name="+", verbose_name=_("source")
    )
    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("organisation"),
        help_text=_("Only if all calls of the file are this organisation's."),
    )
    format = models.CharField(_("format"), max_length=20)
    name = models.CharField(_("file name"), max_length=200)
    checksum = models.CharField(
        _("checksum"), max_length=64, validators=[RegexValidator(r"^[0-9a-f]{64}$")]
    )
    content = models.BinaryField(null=True, editable=False)
    result = models.BinaryField(null=True, editable=False)
    uploaded_by = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", verbose_name=_("uploaded by")
    )
    uploaded_at = models.DateTimeField(_("uploaded at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    stored = models.PositiveIntegerField(_("stored"), default=0)
    duplicates = models.PositiveIntegerField(_("duplicates"), default=0)
    corrections = models.PositiveIntegerField(_("corrections"), default=0)
    waiting = models.PositiveIntegerField(_("waiting"), default=0)
    skipped = models.PositiveIntegerField(_("skipped legs"), default=0)
    rejected = models.PositiveIntegerField(_("rejected"), default=0)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("file of calls")
        verbose_name_plural = _("files of calls")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["source", "checksum"],
                name="call_file_once",
                violation_error_code="call_file_once",
                violation_error_message=_("This file was imported before."),
            ),
            models.CheckConstraint(
                name="call_file_has_content_or_result",
                condition=Q(finished_at=None, content__isnull=False)
                | Q(finished_at__isnull=False, result__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class UsageExport(models.Model):
    """A list of calls that is too long to download at once; mailed as a link."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="+"
    )
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    query = models.JSONField(help_text=_("The filter of the usage page."))
    requested_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    calls = models.PositiveIntegerField(default=0)
    content = models.BinaryField(null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("usage export")
        verbose_name_plural = _("usage exports")

    def __str__(self) -> str:
        return f"calls-{self.organisation.slug}-{self.pk}.csv"
