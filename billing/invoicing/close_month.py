"""Closes the months of organisations, once each, and drafts what they owe (rule 10.1).

1. Lock the wallets and set the mark: the newest charge. A charge's id is given under
   its wallet's lock, so what comes later has a higher one.
2. Read what no closed month has billed yet: post-paid calls of days before the month's
   end, licences, debt. A month that was passed over is billed along with this one.
3. Add the tax of the customer's country, share out the minor units, write it all.
   Whoever comes second finds the month closed.

A month with nothing to bill is closed without an invoice. The number of statements
does not depend on the number of organisations.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import BillingMode, Organisation, User
from billing.invoicing.draft import DraftLine
from billing.invoicing.fill_bills import (
    Lines,
    Used,
    add_debt,
    add_fees,
    add_lines,
    add_tax,
    bill_of,
    read_customers,
    used_by,
)
from billing.invoicing.read_closed import Before, Closed, closed_before
from billing.invoicing.read_usage import newest_charge, usage_lines
from billing.invoicing.refusals import MonthNotOver
from billing.invoicing.write_invoices import write_bills
from billing.models import ClosedMonth
from calling.pool_size import period_of
from calling.unit import no_collector
from credits.bulk import parts
from credits.lock import lock_free_ids, lock_wallet
from credits.meanwhile import Ahead, meanwhile
from credits.models import Wallet

LOCKED_AT_ONCE = 1000
FEW = 50  # organisations whose calls are written down in a millisecond


def close_month(
    organisation: Organisation,
    month: date,
    *,
    at: datetime,
    actor: User | None = None,
    reason: str = "",
) -> ClosedMonth:
    """The closed month; closed before, alone or with a later one, it is as it was.

    Raises MonthNotOver while the month still runs where the organisation is.
    """
    month = month.replace(day=1)
    if at < period_of(month, organisation.zone).ends_at:
        raise MonthNotOver
    with transaction.atomic():
        lock_wallet(organisation.pk)
        if _close_one(organisation.pk, month, at=at):
            record_audit(
                "close_month",
                at=at,
                organisation=organisation,
                actor=actor,
                reason=reason,
                after={"month": f"{month:%Y-%m}"},
            )
        later = organisation.closed_months.filter(month__gte=month)
        return later.order_by("month")[:1].get()


def close_months(
    organisation_ids: Collection[int], month: date, *, at: datetime
) -> int:
    """Closes a month that is over for all of them; how many were closed.

    The mark is set while all wallets are locked for a moment. What calls cost up to it
    never changes, so that is read without locks; they are taken again, a thousand at a
    time, to write. Who holds a wallet at either moment is left for the next run.
    """
    with no_collector():
        return _close_many(organisation_ids, month, at=at)


def _close_many(ids_asked: Collection[int], month: date, *, at: datetime) -> int:
    with transaction.atomic():
        before = closed_before(lock_free_ids(ids_asked))
        mark = newest_charge()
    ids = [pk for pk, one in before.items() if not _is_closed(one, month)]
    used = used_by(ids, before, month=month, up_to_charge=mark)
    ahead, closed = Ahead(_written_down(ids, used, month)), 0
    with meanwhile(ahead):
        for some, calls in ahead:
            with transaction.atomic():
                again = closed_before(lock_free_ids(some))
                still = [pk for pk, one in again.items() if one == before[pk]]
                closed += _close(still, before, calls, month, mark, at=at)
    return closed


def _written_down(
    ids: Sequence[int], used: Used, month: date
) -> Iterator[tuple[Sequence[int], Lines] | None]:
    """The lines of calls, for as many organisations as are locked at once.

    Made in slices, while the database is waited for.
    """
    for some in parts(ids, LOCKED_AT_ONCE):
        lines: dict[int, list[DraftLine]] = {}
        for few in parts(some, FEW):
            for pk in few:
                lines[pk] = list(usage_lines(used.pop(pk, ()), month))
            yield None
        yield some, lines


def _close_one(organisation_id: int, month: date, *, at: datetime) -> int:
    """The same for one whose wallet is locked, all at once."""
    before = closed_before([organisation_id])
    if _is_closed(before[organisation_id], month):
        return 0
    mark = newest_charge()
    used = used_by(before, before, month=month, up_to_charge=mark)
    calls = {pk: usage_lines(mine, month) for pk, mine in used.items()}
    return _close([organisation_id], before, calls, month, mark, at=at)


def _close(  # what was read, and until where
    organisation_ids: Collection[int],
    before: Before,
    calls: Lines,
    month: date,
    mark: int,
    *,
    at: datetime,
) -> int:
    customers = read_customers(organisation_ids)
    bills = [bill_of(one, month) for one in customers.values()]
    add_fees(bills, customers, before)
    add_lines(bills, calls)
    nce = {pk for pk, one in customers.items() if one.billing_mode == BillingMode.NCE}
    owing = Wallet.objects.filter(pk__among=nce, debt__gt=0).in_bulk()
    add_debt(bills, owing)
    add_tax(bills, customers, at=at)
    write_bills(bills, owing, up_to_charge=mark, at=at)
    return len(bills)


def _is_closed(before: Closed | None, month: date) -> bool:
    return before is not None and before.month >= month
