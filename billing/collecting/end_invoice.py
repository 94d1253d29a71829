"""Staff end an invoice without money: void, or written off, with a reason (rule 10.2).

Void says that it should not have been issued, written off that it will not be paid;
both keep its number. What it stopped goes on. Locks the wallet, then the invoice.
"""

from datetime import datetime

from django.db import transaction
from django_q.tasks import async_task

from accounts.audit import record_audit
from accounts.models import User
from billing.collecting.service_stops import lift_stops
from billing.collecting.settle_invoice import COLLECT
from billing.models import Invoice, InvoiceState
from billing.reasons import check_reason
from billing.refusals import InvoiceNotOwed
from credits.lock import lock_wallet


def void_invoice(
    invoice: Invoice, *, actor: User, reason: str, at: datetime
) -> Invoice:
    """The invoice, void; raises InvoiceNotOwed, also where a part of it was paid."""
    return _end(invoice, InvoiceState.VOID, actor=actor, reason=reason, at=at)


def write_off_invoice(
    invoice: Invoice, *, actor: User, reason: str, at: datetime
) -> Invoice:
    """The invoice, given up; what was paid of it stays. Raises InvoiceNotOwed."""
    return _end(invoice, InvoiceState.WRITTEN_OFF, actor=actor, reason=reason, at=at)


def _end(
    invoice: Invoice, state: InvoiceState, *, actor: User, reason: str, at: datetime
) -> Invoice:
    check_reason(reason)
    with transaction.atomic():
        lock_wallet(invoice.organisation_id)
        found = Invoice.objects.select_for_update().get(pk=invoice.pk)
        if found.state == state:
            return found
        is_paid_in_part = state == InvoiceState.VOID and found.paid_minor
        if not found.is_owed or is_paid_in_part:
            raise InvoiceNotOwed
        before, found.state, found.ended_at = found.state, state, at
        found.save(update_fields=["state", "ended_at"])
        record_audit(
            f"invoice_{state}",
            at=at,
            organisation=found.organisation,
            actor=actor,
            object=found.reference,
            reason=reason,
            before={"state": before},
            after={"state": state, "number": found.number},
        )
        lift_stops(found.organisation_id, at=at)
        async_task(COLLECT, found.pk)
    return found
