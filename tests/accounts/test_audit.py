"""Who did what is written down for good, with the request it came from."""

from collections.abc import Callable

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from accounts.audit import record_audit
from accounts.models import AuditEvent, Organisation, User
from accounts.refusals import fence_code
from accounts.request_id import begin_request, end_request
from tests.makers import START


def test_an_event_keeps_who_what_why_and_the_request(
    formosa: Organisation, alice: User
) -> None:
    begin_request("proxy-1234")
    try:
        record_audit(
            "raise_limit",
            at=START,
            organisation=formosa,
            actor=alice,
            object="limit:1",
            reason="asked for by phone",
            before={"limit": 1},
            after={"limit": 2},
            ip="192.0.2.1",
        )
    finally:
        end_request()
    event = AuditEvent.objects.get()
    assert (event.actor, event.organisation) == (alice, formosa)
    assert (event.before, event.after) == ({"limit": 1}, {"limit": 2})
    assert (event.reason, event.ip) == ("asked for by phone", "192.0.2.1")
    assert event.request_id == "proxy-1234"


def test_an_event_outside_a_request_has_no_request(db: None) -> None:
    assert record_audit("nightly", at=START).request_id == ""


def rewrite(event: AuditEvent) -> object:
    return AuditEvent.objects.update(verb="never happened")


def erase(event: AuditEvent) -> object:
    return AuditEvent.objects.filter(pk=event.pk).delete()


@pytest.mark.parametrize("change", [rewrite, erase, AuditEvent.save])
def test_the_database_refuses_to_change_an_event(
    db: None, change: Callable[[AuditEvent], object]
) -> None:
    event = record_audit("nightly", at=START)
    with pytest.raises(DatabaseError) as refusal, transaction.atomic():
        change(event)
    assert fence_code(refusal.value) == "audit_append_only"
    assert AuditEvent.objects.get().verb == "nightly"


def test_a_request_is_answered_with_its_id(client: Client) -> None:
    sent = client.get("/healthz", headers={"X-Request-Id": "abcdef-123456"})
    assert sent.headers["X-Request-Id"] == "abcdef-123456"


def test_a_request_without_a_sensible_id_gets_a_new_one(client: Client) -> None:
    seen = {
        client.get("/healthz", headers={"X-Request-Id": sent}).headers["X-Request-Id"]
        for sent in ("", "short", "a b c d e f g h", "x" * 65)
    }
    assert len(seen) == 4
    assert all(len(request_id) == 32 for request_id in seen)
