"""Where a customer's own systems hear of events, and every try to tell them."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.people import Organisation


class WhyOff(models.TextChoices):
    """Why we stopped sending to an endpoint."""

    FAILING = "failing", _("It failed for five days.")
    GONE = "gone", _("It answered that it no longer exists (410).")


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def kept(self) -> "WebhookEndpointQuerySet":
        """Those that were not deleted."""
        return self.filter(deleted_at=None)

    def working(self) -> "WebhookEndpointQuerySet":
        """Those that events are sent to."""
        return self.kept().filter(paused_at=None, disabled_at=None)


class WebhookEndpoint(models.Model):
    """An address events are posted to; deleted ones stay for their deliveries."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="webhook_endpoints"
    )
    url = models.CharField(_("address"), max_length=500)
    events = models.JSONField(
        _("events"), default=list, help_text=_("Empty: every type of event.")
    )
    # Sealed by accounts/webhook_secret.py; shown once, when they are made.
    secret = models.TextField(editable=False)
    old_secret = models.TextField(editable=False, blank=True)
    old_secret_until = models.DateTimeField(
        _("old secret valid until"), null=True, blank=True
    )
    created_at = models.DateTimeField(_("created at"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)
    paused_at = models.DateTimeField(_("paused at"), null=True, blank=True)
    disabled_at = models.DateTimeField(_("switched off at"), null=True, blank=True)
    disabled_code = models.CharField(
        _("switched off because"), max_length=10, choices=WhyOff, blank=True
    )
    deleted_at = models.DateTimeField(_("deleted at"), null=True, blank=True)

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        ordering = ["organisation_id", "id"]
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="webhook_endpoint_off_for_a_reason",
                condition=Q(disabled_at=None, disabled_code="")
                | Q(disabled_at__isnull=False) & ~Q(disabled_code=""),
                violation_error_code="webhook_endpoint_off_for_a_reason",
                violation_error_message=_("What is switched off says why."),
            ),
        ]

    def __str__(self) -> str:
        return self.url

    @property
    def is_working(self) -> bool:
        return not (self.paused_at or self.disabled_at or self.deleted_at)

    def wants(self, event_type: str) -> bool:
        return not self.events or event_type in self.events


class WebhookEvent(models.Model):
    """What happened, as it is told outside; written with the deed itself."""

    public_id = models.CharField(max_length=40, unique=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    type = models.CharField(_("type"), max_length=60)
    reference = models.CharField(
        max_length=260, help_text=_("What happened; one event each.")
    )
    data = models.JSONField()
    created_at = models.DateTimeField(_("happened at"))

    objects: ClassVar[models.Manager["WebhookEvent"]] = models.Manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("webhook event")
        verbose_name_plural = _("webhook events")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organisation", "type", "reference"],
                name="one_webhook_event_each",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"


class WebhookDelivery(models.Model):
    """One event for one endpoint, until it is delivered or given up."""

    event = models.ForeignKey(
        WebhookEvent, on_delete=models.PROTECT, related_name="deliveries"
    )
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.PROTECT, related_name="deliveries"
    )
    created_at = models.DateTimeField(_("created at"))
    next_try_at = models.DateTimeField(_("next try"), null=True, blank=True)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    tried_at = models.DateTimeField(_("last try"), null=True, blank=True)
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)
    status = models.PositiveSmallIntegerField(_("answer"), null=True, blank=True)
    error = models.CharField(_("problem"), max_length=200, blank=True)
    milliseconds = models.PositiveIntegerField(_("duration in ms"), default=0)

    objects: ClassVar[models.Manager["WebhookDelivery"]] = models.Manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["event", "endpoint"], name="one_delivery_per_endpoint"
            ),
            models.CheckConstraint(
                name="webhook_delivery_done_is_done",
                condition=Q(delivered_at=None) | Q(next_try_at=None),
                violation_error_code="webhook_delivery_done_is_done",
                violation_error_message=_("What was delivered is not tried again."),
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["next_try_at", "id"],
                condition=Q(next_try_at__isnull=False),
                name="webhooks_to_deliver",
            ),
            models.Index(fields=["endpoint", "-id"], name="deliveries_of_endpoint"),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.endpoint}"

    @property
    def is_open(self) -> bool:
        return self.next_try_at is not None
