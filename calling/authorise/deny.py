"""Notes that a call was not let through, and what follows from it (rules 5.1, 9.2)."""

from datetime import datetime

from django.urls import reverse
from django_q.tasks import async_task

from accounts.models import NoticeKind, Organisation
from accounts.notify import owe_notice
from calling.authorise import codes
from calling.authorise.judge_question import Judged
from calling.models import DeniedCall, Line
from credits.models import Wallet
from credits.refresh import NUDGE

VELOCITY = frozenset({codes.DAILY_LIMIT, codes.TOO_MANY})


def note_denial(
    judged: Judged, code: str, *, wallet: Wallet | None, at: datetime
) -> None:
    """Keeps the denial; one for money has the recharge looked at now.

    Of a velocity limit the customer is told, once a day (rule 11).
    """
    call = judged.call
    if code in VELOCITY:
        _tell_of_limit(judged, code, at)
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


def _tell_of_limit(judged: Judged, code: str, at: datetime) -> None:
    organisation = Organisation.objects.get(pk=judged.call.organisation_id)
    line = Line.objects.filter(pk=judged.line_id or 0).first()
    owe_notice(
        NoticeKind.CALL_LIMIT_REACHED,
        organisation=organisation,
        episode=f"{code}:{judged.call.local_day}",
        context={
            "what": code,
            "line": line.name if line is not None else "",
            "reached_at": at.isoformat(),
            "path": reverse("call_permissions"),
        },
        at=at,
    )
