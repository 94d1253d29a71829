"""One of the staff asks for an adjustment, another confirms it (rule 3.9).

As long as there is a second person; whoever is alone adjusts at once. A request stands
on the list of staff tasks until it is confirmed, marked as done there, or a day old;
its token makes a second click the same request. Every step locks the wallet and leaves
its reason in the audit trail; asking alone moves nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import record_audit
from accounts.models import AuditEvent, StaffTask, User
from accounts.second_person import others_may
from accounts.staff_tasks import finish_staff_task, raise_staff_task
from credits.adjust import check_forgive, check_lower, forgive_debt, lower_lot
from credits.display import exact_text
from credits.lock import lock_wallet
from credits.models import Lot, Wallet
from credits.money import Micros, amount_text, to_micros
from credits.refusals import AskedByYou, NothingAsked

MAY_ADJUST = "credits.add_ledgerentry"
TASK = "adjustment"
ASKED = "ask_adjustment"
LIFETIME = timedelta(hours=24)

Subject: TypeAlias = Lot | Wallet  # which lot to lower, or whose debt to forgive


@dataclass(frozen=True)
class Request:
    """What somebody asked for, and nobody has confirmed yet."""

    task: StaffTask
    asked_by: User
    amount: Micros
    reason: str

    @property
    def reference(self) -> str:
        return self.task.reference


def ask_adjustment(
    subject: Subject,
    amount: Micros,
    *,
    token: str,
    reason: str,
    actor: User,
    at: datetime,
) -> bool:
    """Whether it is done; False where a second person has to confirm it first."""
    reference = f"adjust:{token}"
    with transaction.atomic():
        wallet = lock_wallet(subject.organisation_id)
        if StaffTask.objects.filter(kind=TASK, reference=reference).exists():
            return False
        if not others_may(actor, MAY_ADJUST):
            _adjust(subject, amount, reference, reason=reason, actor=actor, at=at)
            return True
        if isinstance(subject, Lot):
            check_lower(wallet, subject, amount, at=at)
        else:
            check_forgive(wallet, amount)
        raise_staff_task(
            TASK,
            reference=reference,
            organisation=subject.organisation,
            detail=_detail(subject, amount, actor, reason),
            at=at,
        )
        record_audit(
            ASKED,
            at=at,
            organisation=subject.organisation,
            actor=actor,
            object=_name(subject),
            reason=reason,
            after={"amount": amount_text(amount), "reference": reference},
        )
    return False


def find_request(subject: Subject, at: datetime) -> Request | None:
    """The oldest request for it that may still be confirmed; plain reads."""
    asked = AuditEvent.objects.filter(
        organisation=subject.organisation_id,
        verb=ASKED,
        object=_name(subject),
        at__gt=at - LIFETIME,
    ).order_by("pk")
    for event in asked.select_related("actor"):
        facts = event.after or {}
        task = StaffTask.objects.filter(
            kind=TASK, reference=facts["reference"], done_at=None
        ).first()
        if task is not None and event.actor is not None:
            amount = to_micros(facts["amount"])
            return Request(task, event.actor, amount, event.reason)
    return None


def confirm_adjustment(
    subject: Subject, reference: str, *, reason: str, actor: User, at: datetime
) -> Micros:
    """Carries out what another person asked for; returns the amount."""
    with transaction.atomic():
        lock_wallet(subject.organisation_id)
        found = find_request(subject, at)
        if found is None or found.reference != reference:
            raise NothingAsked
        if found.asked_by == actor and others_may(actor, MAY_ADJUST):
            raise AskedByYou
        _adjust(subject, found.amount, reference, reason=reason, actor=actor, at=at)
        finish_staff_task(found.task, actor=actor, reason=reason, at=at)
    return found.amount


def _adjust(
    subject: Subject,
    amount: Micros,
    reference: str,
    *,
    reason: str,
    actor: User,
    at: datetime,
) -> None:
    if isinstance(subject, Lot):
        lower_lot(
            subject, amount, reference=reference, reason=reason, at=at, actor=actor
        )
    else:
        forgive_debt(
            subject.organisation_id,
            amount,
            reference=reference,
            reason=reason,
            at=at,
            actor=actor,
        )


def _detail(subject: Subject, amount: Micros, actor: User, reason: str) -> str:
    text = exact_text(amount, subject.currency)
    name = actor.get_full_name()
    facts = {"name": name, "amount": text, "what": subject, "reason": reason}
    if isinstance(subject, Lot):
        told = _("%(name)s asks to lower %(what)s by %(amount)s: %(reason)s")
    else:
        told = _("%(name)s asks to forgive %(amount)s of %(what)s: %(reason)s")
    return told % facts


def _name(subject: Subject) -> str:
    return f"lot {subject.pk}" if isinstance(subject, Lot) else "debt"
