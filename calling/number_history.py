"""From when until when a number is a line's or a service's (rule 1.4).

A number that somebody has at that time is refused, whoever it is; it changes hands by
ending here and beginning there. History is kept: calls belong to the owner at their
start. The database refuses overlaps.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.audit import record_audit
from accounts.models import Organisation, User
from accounts.refusals import fence_code
from calling.models import Line, NumberAssignment
from calling.refusals import LineNotInUse, NumberTaken


@dataclass(frozen=True)
class Service:
    """What a number that belongs to no line serves."""

    kind: str
    is_bridge: bool = False


def give_number(
    organisation: Organisation,
    number: str,
    *,
    to: Line | Service,
    at: datetime,
    starts_at: datetime | None = None,
    actor: User | None = None,
    ip: str | None = None,
) -> NumberAssignment:
    """From now on the number is this line's, or serves this.

    Staff may say `starts_at`: since when it has been so.
    """
    line = to if isinstance(to, Line) else None
    service = to if isinstance(to, Service) else Service("")
    if line is not None and not line.is_active:
        raise LineNotInUse
    assignment = NumberAssignment(
        organisation=organisation,
        number=number,
        line=line,
        service_kind=service.kind,
        is_bridge=service.is_bridge,
        starts_at=starts_at or at,
    )
    assignment.clean_fields()
    try:
        with transaction.atomic():
            assignment.save()
            _record("give_number", assignment, at, actor, ip)
    except IntegrityError as error:
        if fence_code(error) == NumberTaken.code:
            raise NumberTaken(number=number) from error
        raise
    return assignment


def end_number(
    assignment: NumberAssignment,
    *,
    at: datetime,
    ends_at: datetime | None = None,
    actor: User | None = None,
    ip: str | None = None,
) -> NumberAssignment:
    """The number is free from now on; asked twice, the first moment stands.

    Staff may say `ends_at`: since when it has been so.
    """
    with transaction.atomic():
        rows = NumberAssignment.objects.select_for_update(of=("self",))
        now = rows.get(pk=assignment.pk)
        if now.ends_at is not None:
            return now
        now.ends_at = ends_at or at
        now.save(update_fields=["ends_at"])
        _record("end_number", now, at, actor, ip)
    return now


def _record(
    verb: str,
    assignment: NumberAssignment,
    at: datetime,
    actor: User | None,
    ip: str | None,
) -> None:
    record_audit(
        verb,
        at=at,
        organisation=assignment.organisation,
        actor=actor,
        object=f"number:{assignment.number}",
        after={
            "line": assignment.line_id,
            "service": assignment.service_kind,
            "is_bridge": assignment.is_bridge,
            "starts_at": assignment.starts_at.isoformat(),
        },
        ip=ip,
    )
