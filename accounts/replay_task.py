"""Processes again what a staff task is about, with one click.

An app offers its finish verb for the kinds of task it raises; the verb may be called
any number of times. What it says is shown, and a task that it settled is done. The verb
runs outside any transaction: it may ask the payment service.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from accounts.audit import record_audit
from accounts.models import StaffTask, User
from accounts.staff_tasks import finish_staff_task


@dataclass(frozen=True)
class Replayed:
    """What came of it, in a sentence, and whether nothing is left to decide."""

    sentence: str
    is_settled: bool


# Takes the task's reference and the moment.
Replay = Callable[[str, datetime], Replayed]
_REPLAYS: dict[str, Replay] = {}


def offer_replay(kind: str, replay: Replay) -> None:
    """Called once while the apps are loaded."""
    _REPLAYS[kind] = replay


def can_replay(task: StaffTask) -> bool:
    return task.kind in _REPLAYS


def replay_task(task: StaffTask, *, actor: User, at: datetime) -> Replayed:
    """What the verb said; a task that is settled by it is marked as done.

    Raises KeyError for a kind that nobody can replay, and whatever the verb raises.
    """
    replayed = _REPLAYS[task.kind](task.reference, at)
    record_audit(
        "replay_staff_task",
        at=at,
        organisation=task.organisation,
        actor=actor,
        object=f"staff-task:{task.pk}",
        reason=replayed.sentence,
    )
    if replayed.is_settled:
        finish_staff_task(task, actor=actor, reason=replayed.sentence, at=at)
    return replayed
