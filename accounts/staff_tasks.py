"""Leaves staff a task that only a person can decide, and notes when it is done.

A cause (kind and reference) makes one task however often it is met, also after somebody
has done it. Locks nothing.
"""

from datetime import datetime

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import Organisation, StaffTask, User


def raise_staff_task(
    kind: str,
    *,
    reference: str,
    detail: str,
    at: datetime,
    organisation: Organisation | None = None,
) -> StaffTask:
    """The task for this cause, made now unless it is there already."""
    task, _ = StaffTask.objects.get_or_create(
        kind=kind,
        reference=reference,
        defaults={"detail": detail, "created_at": at, "organisation": organisation},
    )
    return task


def finish_staff_task(
    task: StaffTask, *, actor: User, reason: str, at: datetime
) -> bool:
    """Marks the task done; False when somebody else was quicker."""
    with transaction.atomic():
        open_task = StaffTask.objects.filter(pk=task.pk, done_at=None)
        if not open_task.update(done_at=at, done_by=actor):
            return False
        record_audit(
            "finish_staff_task",
            at=at,
            organisation=task.organisation,
            actor=actor,
            object=f"staff-task:{task.pk}",
            reason=reason,
        )
    return True
