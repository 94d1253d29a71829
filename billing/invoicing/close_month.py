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

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts.audit import record_audit
from accounts.models import BillingMode, BillingModePeriod, Organisation, User
from billing.invoicing.draft import DraftLine, with_tax
from billing.invoicing.read_debt import read_unbilled_debt
from billing.invoicing.read_fees import Paid, fee_lines, read_licences
from billing.invoicing.read_usage import (
    Billed,
    Group,
    Sums,
    newest_charge,
    read_usage,
    usage_lines,
)
from billing.invoicing.refusals import MonthNotOver
from billing.invoicing.write_invoices import Bill, write_bills
from billing.models import ClosedMonth, LineKind
from billing.tax_rates import read_taxes
from calling.pool_size import next_month, period_of
from calling.unit import no_collector
from credits.lock import lock_free_wallets, lock_wallet
from credits.models import Wallet

LOCKED_AT_ONCE = 1000


class Customer(NamedTuple):
    """What closing needs of an organisation; light, since thousands are read."""

    pk: int
    billing_mode: str
    currency: str
    country: str
    time_zone: str

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


def read_customers(organisation_ids: Collection[int]) -> dict[int, Customer]:
    """By id, in its order; one statement."""
    mine = Organisation.objects.filter(pk__among=set(organisation_ids)).order_by("pk")
    return {row[0]: Customer(*row) for row in mine.values_list(*Customer._fields)}


Before = Mapping[int, ClosedMonth | None]
Used = Mapping[int, Mapping[Group, Sums]]


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
        if _close_one(wallet, month, at=at):
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
        before = closed_before(lock_free_wallets(ids_asked))
        mark = newest_charge()
    ids = sorted(pk for pk, one in before.items() if not _is_closed(one, month))
    used = used_by(ids, before, month=month, up_to_charge=mark)
    closed = 0
    for start in range(0, len(ids), LOCKED_AT_ONCE):
        some = ids[start : start + LOCKED_AT_ONCE]
        with transaction.atomic():
            wallets = lock_free_wallets(some)
            again = closed_before(wallets)
            still = {pk: one for pk, one in wallets.items() if again[pk] == before[pk]}
            closed += _close(still, before, used, month, mark, at=at)
    return closed


def _close_one(wallet: Wallet, month: date, *, at: datetime) -> int:
    """The same for one whose wallet is locked, all at once."""
    pk = wallet.organisation_id
    before = closed_before([pk])
    if _is_closed(before[pk], month):
        return 0
    mark = newest_charge()
    used = used_by([pk], before, month=month, up_to_charge=mark)
    return _close({pk: wallet}, before, used, month, mark, at=at)


def _close(  # what was read, and until where
    wallets: Mapping[int, Wallet],
    before: Before,
    used: Used,
    month: date,
    mark: int,
    *,
    at: datetime,
) -> int:
    customers = read_customers(wallets)
    bills = [_bill(one, month) for one in customers.values()]
    _add_fees(bills, customers, before)
    add_usage(bills, used)
    nce = {pk for pk, one in customers.items() if one.billing_mode == BillingMode.NCE}
    add_debt(bills, {pk: wallets[pk] for pk in nce})
    add_tax(bills, customers, at=at)
    write_bills(bills, wallets, up_to_charge=mark, at=at)
    return len(bills)


def _is_closed(before: ClosedMonth | None, month: date) -> bool:
    return before is not None and before.month >= month


def closed_before(organisation_ids: Collection[int]) -> dict[int, ClosedMonth | None]:
    """By organisation the newest month that was closed, if any; one statement."""
    mine = ClosedMonth.objects.filter(organisation__among=set(organisation_ids))
    later = ClosedMonth.objects.filter(
        organisation=OuterRef("organisation"), month__gt=OuterRef("month")
    )
    found: dict[int, ClosedMonth | None] = dict.fromkeys(organisation_ids)
    for closed in mine.filter(~Exists(later)).order_by():
        found[closed.organisation_id] = closed
    return found


def _bill(organisation: Customer, month: date) -> Bill:
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
    bills: Collection[Bill], organisations: Mapping[int, Customer], before: Before
) -> None:
    paid = {pk: _paid(before.get(pk)) for pk in organisations}
    since = [one.until for one in paid.values()]
    known = [moment for moment in since if moment is not None]
    oldest = min(known) if len(known) == len(since) > 0 else None
    licences = read_licences(list(organisations), since=oldest)
    for bill in bills:
        mine = licences.get(bill.organisation_id)
        if mine and bill.fees_through is not None and bill.changes_until is not None:
            bill.lines += fee_lines(
                mine,
                paid[bill.organisation_id],
                through=bill.fees_through,
                until=bill.changes_until,
                zone=organisations[bill.organisation_id].zone,
            )


def _paid(closed: ClosedMonth | None) -> Paid:
    if closed is None:
        return Paid(None, None)
    return Paid(closed.fees_through, closed.changes_until)


def used_by(
    organisation_ids: Collection[int], before: Before, *, month: date, up_to_charge: int
) -> Used:
    """Post-paid calls; those who never were on NCE have none and are not looked up."""
    periods = BillingModePeriod.objects.filter(
        organisation__among=set(organisation_ids), billing_mode=BillingMode.NCE
    )
    postpaid = set(periods.values_list("organisation", flat=True))
    return read_usage(
        [billed_by(pk, before.get(pk)) for pk in sorted(postpaid)],
        month=month,
        until=next_month(month),
        up_to_charge=up_to_charge,
    )


def billed_by(organisation_id: int, closed: ClosedMonth | None) -> Billed:
    """What its newest closed month, if any, has billed."""
    if closed is None:
        return Billed(organisation_id, date.min, 0)
    return Billed(organisation_id, next_month(closed.month), closed.up_to_charge)


def add_usage(bills: Collection[Bill], used: Used) -> None:
    for bill in bills:
        mine = used.get(bill.organisation_id)
        if mine:
            bill.lines += usage_lines(mine, bill.month)


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
    bills: Collection[Bill], customers: Mapping[int, Customer], *, at: datetime
) -> None:
    """By the rate of each customer's country on its own day."""
    billed = [bill for bill in bills if bill.lines]
    owners = [customers[bill.organisation_id] for bill in billed]
    taxes = read_taxes(
        {one.pk: (one.country, at.astimezone(one.zone).date()) for one in owners}
    )
    for bill in billed:
        tax = taxes[bill.organisation_id]
        bill.lines = with_tax(bill.lines, name=tax.name, percent=tax.percent)
