"""What was delivered is dropped after 90 days; what is owed or failed is kept."""

from datetime import timedelta

from accounts.emit_event import emit_event
from accounts.forget_webhooks import forget_webhooks
from accounts.models import Organisation, User, WebhookDelivery, WebhookEvent
from accounts.webhook_endpoint import create_endpoint
from tests.makers import START

LATER = START + timedelta(days=91)


def happen(organisation: Organisation, number: int) -> WebhookEvent:
    event = emit_event(
        organisation, "topup.succeeded", {}, reference=f"top-up:{number}", at=START
    )
    assert event is not None
    return event


def test_what_arrived_is_dropped_and_what_is_owed_or_failed_is_kept(
    formosa: Organisation, alice: User
) -> None:
    create_endpoint(
        formosa, "https://hooks.formosa.example/a", [], actor=alice, at=START
    )
    told, owed, failed, half = [happen(formosa, number) for number in range(4)]
    create_endpoint(
        formosa, "https://hooks.formosa.example/b", [], actor=alice, at=START
    )
    both = happen(formosa, 9)
    done = {"delivered_at": START + timedelta(hours=1), "next_try_at": None}
    told.deliveries.update(**done)
    failed.deliveries.update(next_try_at=None, error="no answer")
    half.deliveries.update(**done | {"delivered_at": LATER - timedelta(days=1)})
    first = both.deliveries.earliest("pk")
    WebhookDelivery.objects.filter(pk=first.pk).update(**done)
    assert forget_webhooks(START + timedelta(days=90)) == 0
    assert forget_webhooks(LATER) == 1
    left = set(WebhookEvent.objects.values_list("pk", flat=True))
    assert left == {owed.pk, failed.pk, half.pk, both.pk}
    assert not WebhookDelivery.objects.filter(pk=first.pk).exists()
    assert both.deliveries.get().is_open


def test_no_more_than_the_limit_at_once(formosa: Organisation, alice: User) -> None:
    create_endpoint(
        formosa, "https://hooks.formosa.example/a", [], actor=alice, at=START
    )
    for number in range(3):
        happen(formosa, number)
    WebhookDelivery.objects.update(delivered_at=START, next_try_at=None)
    assert [forget_webhooks(LATER, limit=2) for _ in range(3)] == [2, 1, 0]
