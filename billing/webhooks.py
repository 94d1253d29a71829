"""Stripe's events come in: one inbox row and one job each, nothing else.

dj-stripe verifies the signature, keeps what arrived and then calls `keep_event` instead
of its own processing, inside a transaction of its own: no call to Stripe may be made
here. An error is raised again, so that Stripe sends once more.
"""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from djstripe.models import WebhookEventTrigger
from djstripe.views import ProcessWebhookView

from billing import keep_event as verb

LARGEST_EVENT = 512 * 1024  # bytes; Stripe's own stay far below


class StripeWebhook(ProcessWebhookView):  # type: ignore[misc]  # untyped
    """dj-stripe's, which would keep a stranger's body of any size."""

    def post(self, request: HttpRequest, uuid: UUID) -> HttpResponse:
        if len(request.body) > LARGEST_EVENT:
            return HttpResponse(status=413)
        answer: HttpResponse = super().post(request, uuid)
        return answer


def keep_event(trigger: WebhookEventTrigger, api_key: str) -> None:
    """The event, kept once however often Stripe sends it."""
    verb.keep_event(trigger.json_body, at=timezone.now())
