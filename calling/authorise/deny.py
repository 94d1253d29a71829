"""Notes that a call was not let through, and what follows from it (rules 5.1, 9.2)."""

from datetime import datetime

from django_q.tasks import async_task

from calling.authorise import codes
from calling.authorise.judge_question import Judged
from calling.models import DeniedCall
from credits.models import Wallet
from credits.refresh import NUDGE


def note_denial(
    judged: Judged, code: str, *, wallet: Wallet | None, at: datetime
) -> None:
    """Keeps the denial; one for money has the recharge looked at now."""
    call = judged.call
    DeniedCall.objects.create(
        organisation_id=call.organisation_id or None,
        source_id=judged.source.pk,
        line_id=judged.line_id,
        call_key=judged.call_key[:255],
        kind=call.kind,
        caller=(call.record.caller or call.record.caller_raw)[:128],
        callee=(call.record.callee or call.record.callee_raw)[:128],
        code=code,
        asked_at=at,
    )
    if code == codes.NO_FUNDING and wallet is not None and wallet.recharge_wanted:
        async_task(NUDGE, "debit", wallet.organisation_id)
