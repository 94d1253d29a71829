"""A recharge ends without having been paid (rules 5.3 and 5.5).

What may still turn out to be paid stays open: only what was never sent, was definitely
declined or waits for its owner is ended here; the page on which its owner was to
approve it is closed by a job after the commit. The caller holds the wallet's lock.
"""

from datetime import datetime

from django_q.tasks import async_task

from billing.models import AttemptState, RechargeAttempt, TopUpState

CLOSE_PAGE = "billing.jobs.close_page"
NOT_UNDER_WAY = (
    AttemptState.CLAIMED,
    AttemptState.COOLING,
    AttemptState.ACTION_REQUIRED,
)


def end_waiting_recharges(
    organisation_id: int,
    *,
    code: str,
    at: datetime,
    states: tuple[AttemptState, ...] = NOT_UNDER_WAY,
) -> list[RechargeAttempt]:
    """Ends what is not under way at Stripe; returns what was ended."""
    waiting = RechargeAttempt.objects.select_for_update(of=("self",)).select_related(
        "top_up"
    )
    ended = list(waiting.filter(organisation=organisation_id, state__in=states))
    for attempt in ended:
        end_recharge(attempt, code=code, at=at)
    return ended


def end_recharge(attempt: RechargeAttempt, *, code: str, at: datetime) -> None:
    """One that was never sent is cancelled, any other has failed."""
    unsent = attempt.state == AttemptState.CLAIMED
    attempt.state = AttemptState.CANCELLED if unsent else AttemptState.FAILED
    attempt.ended_at, attempt.next_try_at = at, None
    attempt.save(update_fields=["state", "ended_at", "next_try_at"])
    top_up = attempt.top_up
    top_up.state = TopUpState.ABANDONED if unsent else TopUpState.FAILED
    top_up.failure_code = top_up.failure_code or code
    top_up.ended_at = at
    top_up.save(update_fields=["state", "failure_code", "ended_at"])
    if top_up.stripe_session_id:
        async_task(CLOSE_PAGE, top_up.pk)
