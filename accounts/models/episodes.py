"""What keeps a notice from being sent twice, and who does without it (rule 11)."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models.notice_kinds import NoticeKind
from accounts.models.people import Language, Organisation


class NoticeEpisode(models.Model):
    """From when a condition held until it had cleared by 10 %: told of once."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="notice_episodes"
    )
    kind = models.CharField(_("kind"), max_length=40, choices=NoticeKind)
    subject = models.CharField(
        _("about"), max_length=100, blank=True, help_text=_("Empty: the organisation.")
    )
    threshold = models.BigIntegerField(
        _("threshold"), null=True, blank=True, help_text=_("In millionths.")
    )
    opened_at = models.DateTimeField(_("opened at"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    objects: ClassVar[models.Manager["NoticeEpisode"]] = models.Manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("episode")
        verbose_name_plural = _("episodes")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organisation", "kind", "subject"],
                condition=Q(closed_at=None),
                name="one_open_episode",
            ),
            models.CheckConstraint(
                name="episode_closes_later",
                condition=Q(closed_at=None) | Q(closed_at__gte=F("opened_at")),
                violation_error_code="episode_closes_later",
                violation_error_message=_("An episode ends after it began."),
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def key(self) -> str:
        """What `owe_notice` calls the episode."""
        return f"episode:{self.pk}"


class NoticeOptOut(models.Model):
    """An address that does without one kind of message of one organisation."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    address = models.EmailField(_("address"))
    kind = models.CharField(_("kind"), max_length=40, choices=NoticeKind)
    opted_out_at = models.DateTimeField(_("since"))

    objects: ClassVar[models.Manager["NoticeOptOut"]] = models.Manager()

    class Meta:
        ordering = ["organisation_id", "address", "kind"]
        verbose_name = _("notice that is not wanted")
        verbose_name_plural = _("notices that are not wanted")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organisation", "address", "kind"], name="one_opt_out_each"
            ),
            models.CheckConstraint(
                name="opt_out_of_optional_kinds",
                condition=Q(kind__in=sorted(NoticeKind.optional())),
                violation_error_code="opt_out_of_optional_kinds",
                violation_error_message=_(
                    "Messages about payments and about what you agreed to are "
                    "always sent."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.address}: {self.kind}"


class AlertAddress(models.Model):
    """A further address that hears what billing contacts hear, once it has agreed."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="alert_addresses"
    )
    address = models.EmailField(_("address"))
    language = models.CharField(_("language"), max_length=10, choices=Language)
    added_at = models.DateTimeField(_("added at"))
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True, blank=True)

    objects: ClassVar[models.Manager["AlertAddress"]] = models.Manager()

    class Meta:
        ordering = ["organisation_id", "address"]
        verbose_name = _("alert address")
        verbose_name_plural = _("alert addresses")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organisation", "address"],
                name="alert_address_once",
                violation_error_code="alert_address_once",
                violation_error_message=_("This address is on the list."),
            ),
        ]

    def __str__(self) -> str:
        return self.address


class BalanceAlert(models.Model):
    """Below which available balance an organisation wants to be told."""

    organisation = models.OneToOneField(
        Organisation,
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="balance_alert",
    )
    threshold = models.BigIntegerField(_("threshold"), help_text=_("In millionths."))
    changed_at = models.DateTimeField(_("changed at"))
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )

    objects: ClassVar[models.Manager["BalanceAlert"]] = models.Manager()

    class Meta:
        verbose_name = _("balance alert")
        verbose_name_plural = _("balance alerts")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="balance_alert_not_negative",
                condition=Q(threshold__gte=0),
                violation_error_code="balance_alert_not_negative",
                violation_error_message=_("The alert is at zero or above."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation}: {self.threshold}"


class Bookmark(models.Model):
    """How far a sweep has read a table that only grows."""

    name = models.CharField(max_length=100, primary_key=True)
    position = models.BigIntegerField(default=0)

    objects: ClassVar[models.Manager["Bookmark"]] = models.Manager()

    class Meta:
        verbose_name = _("bookmark")
        verbose_name_plural = _("bookmarks")

    def __str__(self) -> str:
        return f"{self.name}: {self.position}"
