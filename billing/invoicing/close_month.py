"""Closes the months of organisations, once each, and drafts what they owe (rule 10.1).

1. Lock the wallets; whoever comes second finds the month closed.
2. Read what no closed month has billed yet: post-paid calls of days before the month's
   end, licences, debt. A month that was passed over is billed along with this one.
3. Add the tax of the customer's country, share out the minor units, write it all.

A month with nothing to bill is closed without an invoice. The number of statements
does not depend on the number of organisations.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts.audit import record_audit
from accounts.models import BillingMode, BillingModePeriod, Organisation, User
from billing.invoicing.draft import DraftLine, with_tax
from billing.invoicing.read_debt import read_unbilled_debt
from billing.invoicing.read_fees import Paid, fee_lines, read_licences
from billing.invoicing.read_usage import (
    Billed,
    newest_charge,
    read_usage,
    usage_lines,
)
from billing.invoicing.refusals import MonthNotOver
from billing.invoicing.write_invoices import Bill, write_bills
from billing.models import ClosedMonth, LineKind
from billing.tax_rates import read_taxes
from calling.pool_size import next_month, period_of
from credits.lock import lock_free_wallets, lock_wallet
from credits.models import Wallet

Before = Mapping[int, ClosedMonth]


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
        wallet = lock_wallet(organisation.pk)
        if close_locked({organisation.pk: wallet}, month, at=at):
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

    Organisations whose wallet somebody else holds are left for the next run.
    """
    with transaction.atomic():
        return close_locked(lock_free_wallets(organisation_ids), month, at=at)


def close_locked(wallets: Mapping[int, Wallet], month: date, *, at: datetime) -> int:
    """The same for wallets that are locked."""
    before = closed_before(wallets)
    open_ids = [pk for pk in sorted(wallets) if not _is_closed(before.get(pk), month)]
    if not open_ids:
        return 0
    organisations = Organisation.objects.in_bulk(open_ids)
    mark = newest_charge()
    bills = [_bill(organisations[pk], month) for pk in open_ids]
    _add_fees(bills, organisations, before)
    add_usage(bills, before, up_to_charge=mark)
    is_nce = {pk for pk in open_ids if organisations[pk].mode == BillingMode.NCE}
    add_debt(bills, {pk: wallets[pk] for pk in is_nce})
    add_tax(bills, organisations, at=at)
    write_bills(bills, wallets, up_to_charge=mark, at=at)
    return len(bills)


def _is_closed(before: ClosedMonth | None, month: date) -> bool:
    return before is not None and before.month >= month


def closed_before(organisation_ids: Collection[int]) -> dict[int, ClosedMonth]:
    """By organisation the newest month that was closed; one statement."""
    mine = ClosedMonth.objects.filter(organisation__among=set(organisation_ids))
    later = ClosedMonth.objects.filter(
        organisation=OuterRef("organisation"), month__gt=OuterRef("month")
    )
    newest = mine.filter(~Exists(later)).order_by()
    return {closed.organisation_id: closed for closed in newest}


def _bill(organisation: Organisation, month: date) -> Bill:
    period = period_of(month, organisation.zone)
    return Bill(
        organisation.pk,
        organisation.billing_mode,
        organisation.currency,
        month,
        fees_through=period.end_on,
        changes_until=period.ends_at,
    )


def _add_fees(
    bills: Collection[Bill], organisations: Mapping[int, Organisation], before: Before
) -> None:
    since = [before[pk].changes_until if pk in before else None for pk in organisations]
    known = [moment for moment in since if moment is not None]
    oldest = min(known) if len(known) == len(since) else None
    licences = read_licences(list(organisations), since=oldest)
    for bill in bills:
        mine = licences.get(bill.organisation_id)
        if not mine or bill.fees_through is None or bill.changes_until is None:
            continue
        closed = before.get(bill.organisation_id)
        bill.lines += fee_lines(
            mine,
            Paid(closed.fees_through, closed.changes_until)
            if closed
            else Paid(None, None),
            through=bill.fees_through,
            until=bill.changes_until,
            zone=organisations[bill.organisation_id].zone,
        )


def add_usage(bills: Collection[Bill], before: Before, *, up_to_charge: int) -> None:
    """Post-paid calls; those who never were on NCE have none and are not looked up."""
    if not bills:
        return
    ids = {bill.organisation_id for bill in bills}
    periods = BillingModePeriod.objects.filter(
        organisation__among=ids, billing_mode=BillingMode.NCE
    )
    postpaid = set(periods.values_list("organisation", flat=True))
    month = next(iter(bills)).month
    used = read_usage(
        [_billed(pk, before.get(pk)) for pk in sorted(postpaid)],
        month=month,
        until=next_month(month),
        up_to_charge=up_to_charge,
    )
    for bill in bills:
        bill.lines += usage_lines(used.get(bill.organisation_id, {}), month)


def _billed(organisation_id: int, closed: ClosedMonth | None) -> Billed:
    if closed is None:
        return Billed(organisation_id, date.min, 0)
    return Billed(organisation_id, next_month(closed.month), closed.up_to_charge)


def add_debt(bills: Collection[Bill], wallets: Mapping[int, Wallet]) -> None:
    """The debt of these wallets moves to the invoice, and what was moved unbilled."""
    unbilled = read_unbilled_debt([bill.organisation_id for bill in bills])
    for bill in bills:
        wallet = wallets.get(bill.organisation_id)
        bill.debt = wallet.debt if wallet is not None else 0
        amount = bill.debt + unbilled.get(bill.organisation_id, 0)
        if amount:
            bill.lines.append(DraftLine(LineKind.DEBT, amount))


def add_tax(
    bills: Collection[Bill], organisations: Mapping[int, Organisation], *, at: datetime
) -> None:
    """By the rate of each customer's country on its own day."""
    billed = [bill for bill in bills if bill.lines]
    owners = [organisations[bill.organisation_id] for bill in billed]
    taxes = read_taxes({one.pk: (one.country, one.local_day(at)) for one in owners})
    for bill in billed:
        tax = taxes[bill.organisation_id]
        bill.lines = with_tax(bill.lines, name=tax.name, percent=tax.percent)
