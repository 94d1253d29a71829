"""Paid calls, or all calls, of an organisation stop and go on (rules 9.1, 10.2).

Restricted, it makes no paid calls; suspended, none but emergency calls. Dunning does
both and lifts both at once when nothing is late any more; staff suspend for fraud or on
request, and only staff lift that. Every verb locks the wallet, then the organisation.
"""

from datetime import datetime

from django.db import transaction
from django.urls import reverse

from accounts.audit import record_audit
from accounts.models import NoticeKind, Organisation, SuspendedBecause, User
from accounts.notify import owe_notice
from billing.models import Invoice, InvoiceState
from billing.reasons import check_reason
from billing.refusals import InvoiceStillLate
from credits.lock import lock_wallet

FIELDS = ("restricted_at", "suspended_at", "suspended_because")


def restrict(organisation_id: int, *, at: datetime) -> bool:
    """Stops paid calls; whether they went on until now."""
    with transaction.atomic():
        organisation = _locked(organisation_id)
        if organisation.restricted_at is not None:
            return False
        organisation.restricted_at = at
        _save("restrict_organisation", organisation, at=at)
        if organisation.suspended_at is None:
            _tell(NoticeKind.SERVICE_RESTRICTED, organisation, at=at)
    return True


def suspend(
    organisation_id: int,
    *,
    because: SuspendedBecause,
    at: datetime,
    actor: User | None = None,
    reason: str = "",
) -> bool:
    """Stops every call but emergency ones; whether any were let through until now.

    Staff's reason takes the place of dunning's, never the other way round.
    """
    if actor is not None:
        check_reason(reason)
    with transaction.atomic():
        organisation = _locked(organisation_id)
        was = organisation.suspended_because
        by_staff = because != SuspendedBecause.DUNNING
        if was == because or (was and not by_staff):
            return False
        organisation.suspended_at = organisation.suspended_at or at
        organisation.suspended_because = because
        _save("suspend_organisation", organisation, actor=actor, reason=reason, at=at)
        _tell(NoticeKind.SERVICE_SUSPENDED, organisation, at=at)
    return True


def resume(
    organisation_id: int, *, actor: User, reason: str, at: datetime
) -> Organisation:
    """Staff lift a suspension; raises InvoiceStillLate where dunning made it."""
    check_reason(reason)
    with transaction.atomic():
        organisation = _locked(organisation_id)
        if organisation.suspended_because == SuspendedBecause.DUNNING and _is_late(
            organisation_id
        ):
            raise InvoiceStillLate
        if organisation.suspended_at is not None:
            organisation.suspended_at, organisation.suspended_because = None, ""
            _save(
                "resume_organisation", organisation, actor=actor, reason=reason, at=at
            )
            if organisation.restricted_at is None:
                _tell(NoticeKind.SERVICE_RESUMED, organisation, at=at)
    return organisation


def lift_stops(organisation_id: int, *, at: datetime) -> bool:
    """Ends what dunning stopped once nothing is late any more; whether it did."""
    with transaction.atomic():
        organisation = _locked(organisation_id)
        is_suspended = organisation.suspended_because == SuspendedBecause.DUNNING
        if organisation.restricted_at is None and not is_suspended:
            return False
        if _is_late(organisation_id):
            return False
        organisation.restricted_at = None
        if is_suspended:
            organisation.suspended_at, organisation.suspended_because = None, ""
        _save("lift_stops", organisation, at=at)
        if organisation.suspended_at is None:
            _tell(NoticeKind.SERVICE_RESUMED, organisation, at=at)
    return True


def _is_late(organisation_id: int) -> bool:
    late = Invoice.objects.owed().filter(state=InvoiceState.LATE)
    return late.filter(organisation=organisation_id).exists()


def _locked(organisation_id: int) -> Organisation:
    lock_wallet(organisation_id)
    return Organisation.objects.select_for_update().get(pk=organisation_id)


def _save(
    verb: str,
    organisation: Organisation,
    *,
    at: datetime,
    actor: User | None = None,
    reason: str = "",
) -> None:
    before = Organisation.objects.values(*FIELDS).get(pk=organisation.pk)
    organisation.save(update_fields=FIELDS)
    record_audit(
        verb,
        at=at,
        organisation=organisation,
        actor=actor,
        object=f"organisation:{organisation.slug}",
        reason=reason,
        before={name: _plain(value) for name, value in before.items()},
        after={name: _plain(getattr(organisation, name)) for name in FIELDS},
    )


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _tell(kind: NoticeKind, organisation: Organisation, *, at: datetime) -> None:
    facts: dict[str, str | int] = {"path": reverse("overview")}
    if kind == NoticeKind.SERVICE_RESTRICTED:
        facts |= {"since": at.isoformat(), "path": reverse("invoices")}
    if kind == NoticeKind.SERVICE_SUSPENDED:
        facts |= {"since": at.isoformat(), "because": organisation.suspended_because}
        if organisation.suspended_because == SuspendedBecause.DUNNING:
            facts["path"] = reverse("invoices")
    owe_notice(
        kind,
        organisation=organisation,
        episode=f"{kind}:{at.isoformat()}",
        context=facts,
        at=at,
    )
