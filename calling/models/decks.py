"""A supplier's file on its way to a card: how it is read, and what became of it."""

import re
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.models.people import check_time_zone
from calling.decks.record import Hints
from calling.models.rates import RateCard, RateCardVersion

LONGEST_INTERVAL = 3600


class DeckProfile(models.TextChoices):
    """Whose columns a file has."""

    TOLLGATE = "tollgate", "Tollgate"
    ACS = "acs", "Azure Communication Services"
    ASTPP = "astpp", "ASTPP"
    A2BILLING = "a2billing", "A2Billing"
    CGRATES = "cgrates", _("CGRateS (a ZIP of its sheets)")
    KAZOO = "kazoo", "Kazoo"
    YEASTAR = "yeastar", "Yeastar"
    CARRIER = "carrier", _("A carrier's sheet")


class DeckMode(models.TextChoices):
    """What a file stands for."""

    FULL = "full", _("The whole card: what is not in the file is removed")
    CHANGES = "changes", _("Changes only: what is not in the file stays")


class Charset(models.TextChoices):
    UTF_8 = "utf-8", "UTF-8"
    UTF_16 = "utf-16", "UTF-16"
    GB18030 = "gb18030", "GB 18030 (GBK)"
    BIG5 = "big5", "Big5"
    SHIFT_JIS = "shift_jis", "Shift JIS"
    CP1252 = "cp1252", "Windows-1252"
    LATIN_9 = "iso8859-15", "ISO 8859-15"


class Delimiter(models.TextChoices):
    COMMA = ",", _("comma")
    SEMICOLON = ";", _("semicolon")
    TAB = "\t", _("tab")
    COLON = ":", _("colon")


def check_columns(value: object) -> None:
    """A saved mapping: our column → the sheet's own."""
    fine = isinstance(value, dict) and all(
        isinstance(theirs, str) and re.fullmatch(r"[a-z_]{1,40}", str(ours))
        for ours, theirs in value.items()
    )
    if not fine:
        raise ValidationError(
            _("Write an object such as {“rate”: “Price USD”}."), "columns"
        )


def check_header(value: object) -> None:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValidationError(_("Write a list of column names."), "header")


class DeckMapping(models.Model):
    """How one supplier writes its price lists, kept for the next one."""

    name = models.CharField(_("supplier"), max_length=100, unique=True)
    profile = models.CharField(
        _("profile"),
        max_length=15,
        choices=DeckProfile,
        default=DeckProfile.CARRIER,
    )
    charset = models.CharField(
        _("charset"), max_length=15, choices=Charset, default=Charset.UTF_8
    )
    delimiter = models.CharField(
        _("delimiter"),
        max_length=1,
        choices=Delimiter,
        blank=True,
        help_text=_("Left empty, it is told from the first line."),
    )
    decimal_comma = models.BooleanField(
        _("amounts have a decimal comma"), default=False
    )
    in_cents = models.BooleanField(_("amounts are in cents"), default=False)
    time_zone = models.CharField(
        _("time zone of its dates"),
        max_length=50,
        default="UTC",
        validators=[check_time_zone],
    )
    date_format = models.CharField(
        _("how it writes dates"),
        max_length=30,
        blank=True,
        validators=[RegexValidator(r"^[-%/. :,A-Za-z]*$")],
        help_text=_("Such as %d/%m/%Y; left empty, 2026-12-01."),
    )
    columns = models.JSONField(
        _("columns"),
        default=dict,
        blank=True,
        validators=[check_columns],
        help_text=_(
            "For a carrier's sheet, ours → its own: destination, country_code, "
            "area_codes, rate, connect_fee, effective_date, steps, change, country, "
            "number_type."
        ),
    )
    header = models.JSONField(
        _("columns of a file without a header"),
        default=list,
        blank=True,
        validators=[check_header],
    )
    plan = models.CharField(
        _("plan"),
        max_length=100,
        blank=True,
        help_text=_("Which one, in a file with several."),
    )
    interval_1 = models.PositiveIntegerField(
        _("first interval (s)"),
        default=60,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_INTERVAL)],
        help_text=_("For files that name no intervals."),
    )
    interval_n = models.PositiveIntegerField(
        _("following intervals (s)"),
        default=60,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_INTERVAL)],
    )

    class Meta:
        ordering = ["name"]
        verbose_name = _("supplier's deck")
        verbose_name_plural = _("suppliers' decks")

    def __str__(self) -> str:
        return self.name

    def hints(self) -> Hints:
        return Hints(
            charset=self.charset,
            delimiter=self.delimiter,
            decimal_comma=self.decimal_comma,
            in_cents=self.in_cents,
            time_zone=self.time_zone,
            date_format=self.date_format,
            columns=self.columns,
            header=tuple(self.header),
            plan=self.plan,
            interval_1=self.interval_1,
            interval_n=self.interval_n,
        )


class DeckUpload(models.Model):
    """A file that staff handed in; it changes no price until it is activated."""

    card = models.ForeignKey(RateCard, on_delete=models.PROTECT, related_name="uploads")
    profile = models.CharField(_("profile"), max_length=15, choices=DeckProfile)
    mapping = models.ForeignKey(
        DeckMapping,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="uploads",
        verbose_name=_("supplier"),
    )
    mode = models.CharField(
        _("the file is"), max_length=10, choices=DeckMode, default=DeckMode.FULL
    )
    valid_from = models.DateTimeField(
        _("in force from"),
        null=True,
        blank=True,
        help_text=_("Left empty: from the moment of its activation."),
    )
    file_name = models.CharField(_("file"), max_length=200)
    content = models.BinaryField()
    uploaded_by = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", verbose_name=_("uploaded by")
    )
    uploaded_at = models.DateTimeField(_("uploaded at"))
    activated_by = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("activated by"),
    )
    activated_at = models.DateTimeField(_("activated at"), null=True, blank=True)
    version = models.ForeignKey(
        RateCardVersion,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("version"),
    )

    class Meta:
        ordering = ["-id"]
        verbose_name = _("rate deck")
        verbose_name_plural = _("rate decks")
        permissions = [
            ("import_ratedeck", _("Can upload rate decks")),
            ("activate_ratedeck", _("Can activate rate decks and roll back")),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="deck_activated_by_someone",
                condition=Q(activated_at=None, activated_by=None, version=None)
                | Q(activated_at__isnull=False, activated_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.card}: {self.file_name}"

    def hints(self) -> Hints:
        return self.mapping.hints() if self.mapping is not None else Hints()
