"""What hands in call records, and every record exactly as it came (rules 1.7, 6.7)."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiKey, Organisation
from accounts.models.people import check_time_zone
from calling.formats.columns import problem_of
from calling.models.lines import Line


def check_column_profile(value: object) -> None:
    if problem := problem_of(value):
        raise ValidationError(problem, code="column_profile")


class LegPolicy(models.TextChoices):
    A_LEG = "a_leg", _("only the leg of the caller")
    ALL = "all", _("every leg")


class Source(models.Model):
    """One switch, exporter or feed, known by its key (rule 1.7)."""

    slug = models.SlugField(_("short name"), unique=True)
    name = models.CharField(_("name"), max_length=100)
    software = models.CharField(_("software"), max_length=50, blank=True)
    time_zone = models.CharField(
        _("time zone"), max_length=50, default="UTC", validators=[check_time_zone]
    )
    home_country = models.CharField(
        _("home country"),
        max_length=2,
        validators=[RegexValidator(r"^[A-Z]{2}$")],
        help_text=_("Numbers without a country code are read as this country's."),
    )
    api_key = models.OneToOneField(
        ApiKey,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="source",
        verbose_name=_("API key"),
    )
    rewrite_rules = models.JSONField(
        _("number rewrite rules"),
        default=list,
        blank=True,
        help_text=_("Pairs of a leading text and what replaces it; the first fits."),
    )
    direction_map = models.JSONField(
        _("directions"),
        default=dict,
        blank=True,
        help_text=_("The switch's context or profile → outbound or inbound."),
    )
    owner_map = models.JSONField(
        _("owners"),
        default=dict,
        blank=True,
        help_text=_(
            "A trunk, tenant or account code of this source → an organisation's "
            "short name."
        ),
    )
    column_profile = models.JSONField(
        _("column profile"),
        default=dict,
        blank=True,
        validators=[check_column_profile],
        help_text=_(
            "How its files are to be read: columns, header, charset, decimal_comma, "
            "extra_columns, credit_capabilities."
        ),
    )
    leg_policy = models.CharField(
        _("legs"), max_length=10, choices=LegPolicy, default=LegPolicy.A_LEG
    )
    longest_grant_seconds = models.PositiveIntegerField(
        _("longest grant (s)"), default=1800
    )
    expected_every = models.PositiveIntegerField(
        _("expected every (minutes)"),
        null=True,
        blank=True,
        help_text=_("After so long without a call record staff get a task."),
    )
    asks_since = models.DateTimeField(
        _("asks for permission since"), null=True, blank=True, editable=False
    )
    heard_at = models.DateTimeField(
        _("last heard"), null=True, blank=True, editable=False
    )

    class Meta:
        ordering = ["slug"]
        verbose_name = _("source")
        verbose_name_plural = _("sources")

    def __str__(self) -> str:
        return self.slug


class RecordState(models.TextChoices):
    SETTLED = "settled", _("settled")
    WAITING = "waiting", _("waiting")


class WaitingReason(models.TextChoices):
    """Why a record waits in the queue; each names what a person can do about it."""

    NO_OWNER = "no_owner", _("No organisation owns these numbers.")
    UNKNOWN_ORGANISATION = (
        "unknown_organisation",
        _("No organisation has this account code."),
    )
    CONFLICTING_OWNER = (
        "conflicting_owner",
        _("The account code and the numbers belong to different organisations."),
    )
    OWNER_CHANGED = (
        "owner_changed",
        _("The correction belongs to another organisation than the record."),
    )
    NOT_YET_OPEN = "not_yet_open", _("The organisation was not open at that time.")
    HALF_RECORD = (
        "half_record",
        _("The other half of the call's record has not come yet."),
    )
    UNKNOWN_DIRECTION = (
        "unknown_direction",
        _("Neither the record nor its numbers tell whether the call came in."),
    )
    NOT_E164 = "not_e164", _("The number cannot be understood.")
    AMBIGUOUS_NUMBER = (
        "ambiguous_number",
        _("The number is masked and several rates may apply."),
    )
    NO_RATE_CARD = "no_rate_card", _("No rate card was in force.")
    NO_RATE = "no_rate", _("The rate card has no rate for this number.")
    BLOCKED_RATE = "destination_barred", _("The rate card bars this destination.")
    TOO_LONG = "too_long", _("The call lasted longer than a day.")
    IN_FUTURE = "in_future", _("The call starts in the future.")
    REFUSED = "refused", _("The database refused the record.")


class RawRecord(models.Model):
    """A call record as it came; a new digest under its key is its next revision.

    (source, record id, revision) is the exactly-once key: two writers that read the
    same revisions write the same next one, and one of them is refused.
    """

    source = models.ForeignKey(
        Source, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    source_record_id = models.CharField(max_length=200)
    revision = models.PositiveIntegerField(default=1)
    digest = models.CharField(max_length=32)
    format = models.CharField(max_length=20)
    body = models.TextField()
    received_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=RecordState)
    reason = models.CharField(max_length=30, choices=WaitingReason, blank=True)
    organisation_hint = models.CharField(
        max_length=50,
        blank=True,
        help_text=_("The organisation named beside the record, not in it."),
    )
    time_zone = models.CharField(
        max_length=50,
        blank=True,
        help_text=_("Named beside a record whose times name none; else the source's."),
    )
    assigned_to = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
        help_text=_("Whose it is, as staff decided; stronger than what it says."),
    )
    assigned_line = models.ForeignKey(
        Line,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )

    class Meta:
        verbose_name = _("raw record")
        verbose_name_plural = _("raw records")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["source", "source_record_id", "revision"],
                name="raw_record_once",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["id"],
                condition=Q(state="waiting"),
                name="raw_records_that_wait",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_record_id} #{self.revision}"


class RejectedRow(models.Model):
    """A row that is no call record at all, kept with its reason (the quarantine)."""

    source = models.ForeignKey(
        Source, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    origin = models.CharField(
        _("file or door"), max_length=200, help_text=_("Where the row came in.")
    )
    line = models.PositiveIntegerField(_("line"))
    reason = models.CharField(_("reason"), max_length=300)
    digest = models.CharField(max_length=32)
    body = models.TextField()
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("rejected row")
        verbose_name_plural = _("rejected rows")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            # The same file again keeps the same rejected rows, not twice as many.
            models.UniqueConstraint(
                fields=["origin", "line", "digest"], name="rejected_row_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.origin}:{self.line} {self.reason}"
