"""Fills bills with their lines: licences, calls, debt, tax (rule 10.1).

Of many organisations at once, by a few statements in all; the caller has locked their
wallets.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from accounts.models import BillingMode, BillingModePeriod, Organisation
from billing.invoicing.draft import DraftLine, with_tax
from billing.invoicing.read_closed import Before, Closed, billed_by
from billing.invoicing.read_debt import read_unbilled_debt
from billing.invoicing.read_fees import Paid, fee_lines, read_licences
from billing.invoicing.read_usage import Usage, read_usage
from billing.invoicing.write_invoices import Bill
from billing.models import LineKind
from billing.tax_rates import read_taxes
from calling.pool_size import next_month, period_of
from credits.models import Wallet

Used = dict[int, list[Usage]]
Lines = Mapping[int, Iterable[DraftLine]]


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


Customers = Mapping[int, Customer]


def read_customers(organisation_ids: Collection[int]) -> dict[int, Customer]:
    """By id, in its order; one statement."""
    mine = Organisation.objects.filter(pk__among=set(organisation_ids)).order_by("pk")
    return {row[0]: Customer(*row) for row in mine.values_list(*Customer._fields)}


def bill_of(customer: Customer, month: date) -> Bill:
    """An empty bill of a month that is over."""
    period = period_of(month, customer.zone)
    return Bill(
        customer.pk,
        customer.billing_mode,
        customer.currency,
        month,
        fees_through=period.end_on,
        changes_until=period.ends_at,
    )


def add_fees(bills: Collection[Bill], customers: Customers, before: Before) -> None:
    """Licences: the coming month in advance, and what changed."""
    paid = {pk: _paid(before.get(pk)) for pk in customers}
    since = [one.until for one in paid.values()]
    known = [moment for moment in since if moment is not None]
    oldest = min(known) if len(known) == len(since) > 0 else None
    licences = read_licences(list(customers), since=oldest)
    for bill in bills:
        mine = licences.get(bill.organisation_id)
        if mine and bill.fees_through is not None and bill.changes_until is not None:
            bill.lines += fee_lines(
                mine,
                paid[bill.organisation_id],
                through=bill.fees_through,
                until=bill.changes_until,
                zone=customers[bill.organisation_id].zone,
            )


def _paid(closed: Closed | None) -> Paid:
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


def add_lines(bills: Collection[Bill], lines: Lines) -> None:
    for bill in bills:
        bill.lines += lines.get(bill.organisation_id, ())


def add_debt(bills: Collection[Bill], wallets: Mapping[int, Wallet]) -> None:
    """The debt of these wallets moves to the invoice, and what was moved unbilled."""
    unbilled = read_unbilled_debt([bill.organisation_id for bill in bills])
    for bill in bills:
        wallet = wallets.get(bill.organisation_id)
        bill.debt = wallet.debt if wallet is not None else 0
        amount = bill.debt + unbilled.get(bill.organisation_id, 0)
        if amount:
            bill.lines.append(DraftLine(LineKind.DEBT, amount))


def add_tax(bills: Collection[Bill], customers: Customers, *, at: datetime) -> None:
    """By the rate of each customer's country on its own day."""
    billed = [bill for bill in bills if bill.lines]
    owners = [customers[bill.organisation_id] for bill in billed]
    taxes = read_taxes(
        {one.pk: (one.country, at.astimezone(one.zone).date()) for one in owners}
    )
    for bill in billed:
        tax = taxes[bill.organisation_id]
        if tax.percent:
            bill.lines = with_tax(bill.lines, name=tax.name, percent=tax.percent)
