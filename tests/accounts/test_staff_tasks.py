"""A cause leaves one task, and one person does it."""

from accounts.models import AuditEvent, Organisation, StaffTask, User
from accounts.staff_tasks import finish_staff_task, raise_staff_task
from tests.makers import START


def test_a_cause_leaves_one_task_even_after_it_is_done(
    formosa: Organisation, alice: User
) -> None:
    first = raise_staff_task(
        "amount_differs",
        reference="top-up:1",
        detail="500 expected, 400 paid",
        at=START,
        organisation=formosa,
    )
    assert finish_staff_task(first, actor=alice, reason="refunded 400", at=START)
    again = raise_staff_task(
        "amount_differs", reference="top-up:1", detail="once more", at=START
    )
    assert again == first
    assert again.detail == "500 expected, 400 paid"
    raise_staff_task("amount_differs", reference="top-up:2", detail="", at=START)
    assert StaffTask.objects.count() == 2


def test_the_second_to_finish_a_task_is_told_so(
    formosa: Organisation, alice: User, bob: User
) -> None:
    task = raise_staff_task(
        "kind", reference="1", detail="", at=START, organisation=formosa
    )
    assert finish_staff_task(task, actor=alice, reason="I called them", at=START)
    assert not finish_staff_task(task, actor=bob, reason="me as well", at=START)
    task.refresh_from_db()
    assert task.done_by == alice
    assert [event.actor for event in AuditEvent.objects.all()] == [alice]
