"""Makes, changes and ends the addresses that an organisation's events are posted to.

The audit trail says who did it. A secret is returned once, when it is made. Resuming,
deleting and pausing take effect with the next event; nothing is lost by a rotation,
since the secret before stays valid for a day beside the new one.
"""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django_q.tasks import async_task

from accounts.audit import record_audit
from accounts.emit_event import JOB, owe_deliveries
from accounts.models import (
    Organisation,
    User,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from accounts.safe_address import check_url
from accounts.webhook_events import TEST, event_types
from accounts.webhook_secret import new_secret, seal

ENDPOINTS_AT_MOST = 10
OLD_SECRET_LASTS = timedelta(days=1)


def create_endpoint(
    organisation: Organisation,
    url: str,
    events: Collection[str],
    *,
    actor: User | None,
    at: datetime,
) -> tuple[WebhookEndpoint, str]:
    """The endpoint and its secret, which nobody can ask for again.

    No events means every type. Raises ValidationError for an address we never post to,
    an unknown type, or too many endpoints.
    """
    check_url(url)
    _check_events(events)
    secret = new_secret()
    with transaction.atomic():
        # Two at once could both find room; the row of the organisation is in between.
        Organisation.objects.select_for_update().get(pk=organisation.pk)
        mine = WebhookEndpoint.objects.kept().filter(organisation=organisation)
        if mine.count() >= ENDPOINTS_AT_MOST:
            raise ValidationError(
                _("An organisation has %(count)s endpoints at most."),
                "too_many_endpoints",
                {"count": ENDPOINTS_AT_MOST},
            )
        endpoint = WebhookEndpoint.objects.create(
            organisation=organisation,
            url=url,
            events=sorted(events),
            secret=seal(secret),
            created_at=at,
            created_by=actor,
        )
        _audit("create_webhook_endpoint", endpoint, actor, at)
    return endpoint, secret


def rotate_secret(endpoint: WebhookEndpoint, *, actor: User, at: datetime) -> str:
    """A new secret; the one before signs too for a day."""
    secret = new_secret()
    with transaction.atomic():
        mine = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
        mine.old_secret, mine.old_secret_until = mine.secret, at + OLD_SECRET_LASTS
        mine.secret = seal(secret)
        mine.save(update_fields=["secret", "old_secret", "old_secret_until"])
        _audit("rotate_webhook_secret", mine, actor, at)
    return secret


def pause_endpoint(
    endpoint: WebhookEndpoint, *, actor: User, at: datetime, reason: str = ""
) -> bool:
    """No events until it is resumed; False when it did not work anyway."""
    with transaction.atomic():
        mine = WebhookEndpoint.objects.working().filter(pk=endpoint.pk)
        if not mine.update(paused_at=at):
            return False
        _audit("pause_webhook_endpoint", endpoint, actor, at, reason=reason)
    return True


def resume_endpoint(endpoint: WebhookEndpoint, *, actor: User, at: datetime) -> bool:
    """Events are sent again, from the next one on; False when they were anyway."""
    with transaction.atomic():
        mine = WebhookEndpoint.objects.kept().filter(pk=endpoint.pk)
        stopped = mine.exclude(paused_at=None, disabled_at=None)
        if not stopped.update(
            paused_at=None, disabled_at=None, disabled_code="", failing_since=None
        ):
            return False
        _audit("resume_webhook_endpoint", endpoint, actor, at)
    return True


def delete_endpoint(
    endpoint: WebhookEndpoint, *, actor: User | None, at: datetime
) -> bool:
    """Nothing more is sent; the list of deliveries stays with us."""
    with transaction.atomic():
        mine = WebhookEndpoint.objects.kept().filter(pk=endpoint.pk)
        if not mine.update(deleted_at=at):
            return False
        _audit("delete_webhook_endpoint", endpoint, actor, at)
    return True


def send_test_event(endpoint: WebhookEndpoint, *, at: datetime) -> WebhookDelivery:
    """An event of the type `webhook.test`, for this endpoint alone."""
    number = uuid.uuid4().hex
    with transaction.atomic():
        event = WebhookEvent.objects.create(
            public_id=f"evt_{number}",
            organisation=endpoint.organisation,
            type=TEST,
            reference=number,
            data={"organisation": endpoint.organisation.slug},
            created_at=at,
        )
        owe_deliveries(event, [endpoint], at=at)
    return event.deliveries.get()


def resend(delivery: WebhookDelivery, *, at: datetime) -> bool:
    """Owes it once more, with the same event id; False while it is under way."""
    idle = WebhookDelivery.objects.filter(pk=delivery.pk, next_try_at=None)
    with transaction.atomic():
        if not idle.update(next_try_at=at, delivered_at=None, tries=0):
            return False
        async_task(JOB)
    return True


def _check_events(events: Collection[str]) -> None:
    unknown = sorted(set(events) - set(event_types()))
    if unknown:
        raise ValidationError(
            _("No such event: %(types)s."),
            "unknown_event_type",
            {"types": ", ".join(unknown)},
        )


def _audit(
    verb: str,
    endpoint: WebhookEndpoint,
    actor: User | None,
    at: datetime,
    *,
    reason: str = "",
) -> None:
    record_audit(
        verb,
        at=at,
        organisation=endpoint.organisation,
        actor=actor,
        object=f"webhook-endpoint:{endpoint.pk}",
        reason=reason,
        after={"url": endpoint.url, "events": endpoint.events},
    )
