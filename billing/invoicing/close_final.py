"""Bills all post-paid use and debt until now, at once (rules 1.8 and 2.4).

Of a prepaid organisation that is closed, its debt too: no credit will pay it any more.
Closes the month that runs before its end: what is told later is billed with the next
one. Licences go on and are billed by the close of a month, as for everybody. Locks the
wallet.
"""

from datetime import datetime

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import Organisation, User
from billing.invoicing.fill_bills import (
    add_debt,
    add_lines,
    add_tax,
    read_customers,
    used_by,
)
from billing.invoicing.read_closed import closed_before
from billing.invoicing.read_usage import newest_charge, usage_lines
from billing.invoicing.write_invoices import Bill, write_bills
from billing.models import Invoice
from credits.lock import lock_wallet


def close_final(
    organisation: Organisation, *, actor: User | None, at: datetime
) -> Invoice | None:
    """The draft; None where nothing is to be billed, or the month is closed already."""
    with transaction.atomic():
        wallets = {organisation.pk: lock_wallet(organisation.pk)}
        organisation = Organisation.objects.get(pk=organisation.pk)
        before = closed_before(wallets)
        month = organisation.local_day(at).replace(day=1)
        closed = before.get(organisation.pk)
        if closed is not None and closed.month >= month:
            return None
        bill = Bill(
            organisation.pk,
            organisation.billing_mode,
            organisation.currency,
            month,
            fees_through=closed.fees_through if closed else None,
            changes_until=closed.changes_until if closed else None,
        )
        mark = newest_charge()
        used = used_by(wallets, before, month=month, up_to_charge=mark)
        calls = {pk: usage_lines(mine, month) for pk, mine in used.items()}
        add_lines([bill], calls)
        add_debt([bill], wallets)
        add_tax([bill], read_customers([organisation.pk]), at=at)
        write_bills([bill], wallets, up_to_charge=mark, at=at)
        _note(organisation, bill, actor=actor, at=at)
    return Invoice.objects.get(pk=bill.invoice_id) if bill.invoice_id else None


def _note(
    organisation: Organisation, bill: Bill, *, actor: User | None, at: datetime
) -> None:
    record_audit(
        "close_final",
        at=at,
        organisation=organisation,
        actor=actor,
        object=f"invoice:{bill.invoice_id}" if bill.invoice_id else "",
        after={"month": f"{bill.month:%Y-%m}", "lines": len(bill.lines)},
    )
