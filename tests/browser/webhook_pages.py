"""Pages of messages, keys and webhooks: endpoints that work, fail, and are off."""

from datetime import datetime, timedelta

from accounts.keys import create_key
from accounts.models import NoticeKind, Organisation, Scope, WebhookEndpoint, WhyOff
from accounts.opt_out import opt_out_token
from accounts.webhook_endpoint import create_endpoint, send_test_event

URL = "https://hooks.formosa.example/a/rather/long/address/of/a/system/that/listens"


def webhook_pages(organisation: Organisation, now: datetime) -> list[str]:
    works, fails, off = (
        create_endpoint(organisation, f"{URL}/{number}", [], actor=None, at=now)[0]
        for number in range(3)
    )
    for _event in range(3):
        send_test_event(fails, at=now)
    sent, refused, unanswered = fails.deliveries.order_by("pk")
    sent.next_try_at, sent.delivered_at, sent.tries, sent.status = None, now, 1, 200
    sent.save()
    refused.next_try_at, refused.tries, refused.status = None, 10, 503
    refused.save()
    unanswered.next_try_at = now + timedelta(minutes=5)
    unanswered.tries, unanswered.error = 2, "no answer within 10 seconds"
    unanswered.save()
    WebhookEndpoint.objects.filter(pk=fails.pk).update(failing_since=now)
    WebhookEndpoint.objects.filter(pk=off.pk).update(
        disabled_at=now, disabled_code=WhyOff.GONE
    )
    key, _secret = create_key(
        "The shop's own system",
        organisation=organisation,
        scopes=[Scope.BALANCE_READ, Scope.USAGE_READ, Scope.RATES_READ],
        allowed_ips=["2001:db8:1234:5678::/64", "192.0.2.7"],
        at=now,
    )
    token = opt_out_token(organisation.pk, "a@formosa.example", NoticeKind.LOW_BALANCE)
    return [
        "/webhooks/",
        f"/webhooks/{works.pk}/",
        f"/webhooks/{fails.pk}/",
        f"/webhooks/{off.pk}/",
        f"/webhooks/{works.pk}/secret/",
        f"/webhooks/{works.pk}/delete/",
        "/webhooks/add/",
        "/api-keys/add/",
        f"/api-keys/{key.pk}/rotate/",
        f"/api-keys/{key.pk}/revoke/",
        "/notices/",
        f"/notices/stop/{token}/",
    ]
