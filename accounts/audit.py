"""Writes down who did what to whose money or settings.

Called by a verb inside its own transaction, so that the event stands or falls with the
deed. The database keeps events for good: they are never changed or deleted.
"""

from collections.abc import Mapping
from datetime import datetime

from accounts.models import AuditEvent, Organisation, User
from accounts.request_id import current_request_id


def record_audit(
    verb: str,
    *,
    at: datetime,
    organisation: Organisation | None = None,
    actor: User | None = None,
    object: str = "",  # noqa: A002  # the grammar of an event: actor, verb, object
    reason: str = "",
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    ip: str | None = None,
) -> AuditEvent:
    """The event, written; `before` and `after` hold what JSON can hold."""
    return AuditEvent.objects.create(
        at=at,
        organisation=organisation,
        actor=actor,
        verb=verb,
        object=object,
        reason=reason,
        before=before,
        after=after,
        ip=ip,
        request_id=current_request_id(),
    )
