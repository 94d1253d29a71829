"""Reminds of unpaid invoices, and stops the service step by step (rule 10.2).

By calendar day where the organisation is: a message on the day it is due, and 3, 7 and
14 days after; the invoice is late from the day after. What an outage left out is caught
up by the newest step alone, never by a burst. Looks at state, so any run may be missed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import (
    NoticeKind,
    Organisation,
    ProviderSettings,
    SuspendedBecause,
)
from accounts.notify import owe_notice
from billing.collecting.minor_units import micros_of
from billing.collecting.service_stops import restrict, suspend
from billing.models import Invoice, InvoiceState
from credits.lock import lock_wallet

# After how many days each message is owed; the one at issue is the first of all.
STEPS: Sequence[int] = (0, 3, 7, 14)
AT_ISSUE = 1
# Nowhere on earth is it a later day than a day ahead of UTC's.
AHEAD = timedelta(days=1)


@dataclass(frozen=True)
class Dunned:
    """Where a run ended: the last invoice's key, or 0 at the end; how many moved."""

    last: int
    moved: int


def dun_invoices(at: datetime, *, after: int = 0, limit: int = 100) -> Dunned:
    """The next invoices that are due by now, in the order of their keys."""
    owed = Invoice.objects.owed().filter(due_on__lte=at.date() + AHEAD, pk__gt=after)
    found = list(owed.order_by("pk").values_list("pk", flat=True)[:limit])
    provider = ProviderSettings.current()
    moved = sum(dun_invoice(pk, provider, at=at) for pk in found)
    return Dunned(found[-1] if len(found) == limit else 0, moved)


def dun_invoice(invoice_id: int, provider: ProviderSettings, *, at: datetime) -> bool:
    """Whether anything was due: a message, the late state, or a stop.

    Locks the wallet, then the organisation, then the invoice.
    """
    organisation_id = Invoice.objects.get(pk=invoice_id).organisation_id
    with transaction.atomic():
        lock_wallet(organisation_id)
        organisation = Organisation.objects.select_for_update().get(pk=organisation_id)
        invoice = Invoice.objects.select_for_update().get(pk=invoice_id)
        if not invoice.is_owed or invoice.due_on is None:
            return False
        days = (organisation.local_day(at) - invoice.due_on).days
        moved = _make_late(invoice, days, at=at)
        moved |= _remind(invoice, days, provider, at=at)
        if days >= provider.restrict_after_days:
            moved |= restrict(organisation_id, at=at)
        if days >= provider.suspend_after_days:
            because = SuspendedBecause.DUNNING
            moved |= suspend(organisation_id, because=because, at=at)
    return moved


def _make_late(invoice: Invoice, days: int, *, at: datetime) -> bool:
    if days < 1 or invoice.state == InvoiceState.LATE:
        return False
    invoice.state = InvoiceState.LATE
    invoice.save(update_fields=["state"])
    record_audit(
        "invoice_late",
        at=at,
        organisation=invoice.organisation,
        object=invoice.reference,
        after={"number": invoice.number, "days": days},
    )
    return True


def _remind(
    invoice: Invoice, days: int, provider: ProviderSettings, *, at: datetime
) -> bool:
    reached = AT_ISSUE + sum(days >= step for step in STEPS)
    if reached <= invoice.dunned or invoice.due_on is None:
        return False
    step = STEPS[reached - AT_ISSUE - 1]
    invoice.dunned = reached
    invoice.save(update_fields=["dunned"])
    facts: dict[str, str | int] = {
        "number": invoice.number,
        "amount": micros_of(invoice.owed_minor, invoice.currency),
        "currency": invoice.currency,
        "due_on": invoice.due_on.isoformat(),
        "path": invoice.get_absolute_url(),
    }
    if days > 0:
        facts["days"] = days
        facts["restricts_on"] = _day(invoice.due_on, provider.restrict_after_days)
        facts["suspends_on"] = _day(invoice.due_on, provider.suspend_after_days)
    owe_notice(
        NoticeKind.INVOICE_LATE if days > 0 else NoticeKind.INVOICE_DUE,
        organisation=invoice.organisation,
        episode=f"{invoice.reference}:{step}",
        context=facts,
        at=at,
    )
    return True


def _day(due_on: date, days: int) -> str:
    return (due_on + timedelta(days=days)).isoformat()
