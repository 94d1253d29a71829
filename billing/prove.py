"""Proves the sales from the ledger and the audit trail; changes nothing.

Invariants 8, 20, 21, 22 and 26 as far as billing knows them: a sale that was paid has
its lot and a lot that was sold its sale, nothing left `paid`, no organisation on NCE
bought, and every event of Stripe is done or waits within its time.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from accounts.fences import absent_fences
from accounts.models import AuditEvent, BillingMode, BillingModePeriod, Notice
from billing.incoming import read_incoming
from billing.invoicing.prove_invoices import prove_invoices
from billing.models import (
    AutoRecharge,
    NumberSeries,
    StaffPayment,
    StripeInbox,
    TopUp,
)
from billing.recharging.prove_recharges import recharge_breaches
from billing.reconciling.prove_totals import total_breaches
from billing.reversing.prove_reversals import prove_reversals
from credits.models import Lot, LotKind, Wallet
from credits.models.wallet import SOLD_KINDS
from credits.money import Micros
from credits.prove import Proof

# Whoever bought while a move was waiting for the wallet may carry a later moment.
CLOCKS = timedelta(minutes=1)
WITHIN_ITS_TIME = timedelta(hours=1)
Row = TypeVar("Row", bound=Model)


def prove(organisation_id: int | None = None, *, at: datetime) -> Proof:
    top_ups = _narrowed(TopUp.objects.order_by("pk"), organisation_id)
    payments = _narrowed(StaffPayment.objects.order_by("pk"), organisation_id)
    lots = _narrowed(Lot.objects.order_by("pk"), organisation_id)
    wallets = _narrowed(Wallet.objects.order_by("pk"), organisation_id)
    breaches = [
        *_sales_and_lots(top_ups, payments, lots),
        *_left_paid(top_ups),
        *_moved_sales(top_ups),
        *_sold_on_nce(top_ups, payments),
        *_modes_and_periods(organisation_id),
        *_left_on_nce(_narrowed(AutoRecharge.objects.order_by("pk"), organisation_id)),
        *_incoming(wallets, read_incoming(organisation_id)),
        *recharge_breaches(organisation_id),
        *prove_reversals(organisation_id),
        *prove_invoices(organisation_id),
        *(f"fence {name} is missing (7)" for name in absent_fences("accounts")),
        *(f"fence {name} is missing (7)" for name in absent_fences("billing")),
    ]
    late: list[str] = []
    if organisation_id is None:
        breaches += [*_receipt_gaps(), *total_breaches()]
        late += _waiting_events(at)
    late += _waiting_notices(organisation_id, at)
    return Proof(
        checked=top_ups.count() + payments.count(), breaches=breaches, late=late
    )


def _narrowed(rows: "QuerySet[Row]", organisation_id: int | None) -> "QuerySet[Row]":
    return rows.filter(organisation=organisation_id) if organisation_id else rows


def _sales_and_lots(
    top_ups: "QuerySet[TopUp]",
    payments: "QuerySet[StaffPayment]",
    lots: "QuerySet[Lot]",
) -> Iterator[str]:
    """8: one lot for each paid sale, of its amount, and one sale for each sold lot."""
    found: dict[tuple[bool, int], list[Any]] = defaultdict(list)
    sold = lots.filter(kind__in=SOLD_KINDS)
    for lot in sold.values_list("kind", "sale_id", "organisation_id", "original", "pk"):
        kind, sale_id, *facts = lot
        found[kind == LotKind.STAFF_PAYMENT, sale_id or 0].append(facts)
    sales: list[tuple[bool, TopUp | StaffPayment, Micros]] = [
        *((False, sale, sale.credit_micros) for sale in top_ups.filter(state="paid")),
        *((True, sale, sale.credit_micros) for sale in payments),
    ]
    for is_staff, sale, amount in sales:
        its_lots = [facts[:2] for facts in found.pop((is_staff, sale.pk), [])]
        if its_lots != [[sale.organisation_id, amount]]:
            yield (
                f"{sale.reference}: one lot of {amount} expected, "
                f"found (organisation, amount) {its_lots} (8)"
            )
    for strays in found.values():
        for _organisation, _amount, pk in strays:
            yield f"lot {pk}: was sold and names no paid sale (8)"


def _left_paid(top_ups: "QuerySet[TopUp]") -> Iterator[str]:
    """20: what the audit trail saw paid is paid, whole, with the same payment."""
    states = {sale.reference: sale for sale in top_ups}
    for event in AuditEvent.objects.filter(verb="top_up_paid", object__in=states):
        sale, seen = states[event.object], (event.after or {}).get("payment")
        if not sale.is_paid or sale.stripe_payment_intent_id != seen:
            yield f"{event.object}: was paid by {seen}, is {sale.state} (20)"
    for sale in states.values():
        if sale.is_paid and sale.received != sale.total:
            yield f"{sale.reference}: paid {sale.received} of {sale.total} (20)"


def _moved_sales(top_ups: "QuerySet[TopUp]") -> Iterator[str]:
    """22: a sale still belongs to the organisation that started it."""
    owners = {sale.reference: sale.organisation_id for sale in top_ups}
    for event in AuditEvent.objects.filter(verb="start_top_up", object__in=owners):
        if event.organisation_id != owners[event.object]:
            yield f"{event.object}: began at organisation {event.organisation_id} (22)"


def _sold_on_nce(
    top_ups: "QuerySet[TopUp]", payments: "QuerySet[StaffPayment]"
) -> Iterator[str]:
    """22: nobody bought while on NCE; the gifts are judged by `credits`."""
    for sale in _born_on_nce(top_ups, "started_at"):
        yield f"{sale.reference}: was sold on NCE (22)"
    # A transfer that was announced is sold when it is announced (rule 2.2).
    began = Coalesce("announcement__announced_at", "recorded_at")
    for payment in _born_on_nce(payments, began):
        yield f"{payment.reference}: was sold on NCE (22)"


def _born_on_nce(sales: "QuerySet[Row]", born: str | Coalesce) -> "QuerySet[Row]":
    was_nce = BillingModePeriod.objects.filter(
        Q(ends_at=None) | Q(ends_at__gt=OuterRef("born")),
        organisation=OuterRef("organisation"),
        billing_mode=BillingMode.NCE,
        starts_at__lte=OuterRef("born"),
    )
    moment = F(born) if isinstance(born, str) else born
    aged = sales.annotate(born=moment - CLOCKS)
    says_so = ~Q(billing_mode=BillingMode.PREPAID)
    # The checker takes annotated rows for another kind of rows.
    return aged.filter(Exists(was_nce) | says_so)  # type: ignore[return-value]


def _modes_and_periods(organisation_id: int | None) -> Iterator[str]:
    """23: the mode an organisation has is that of the period that runs."""
    periods = BillingModePeriod.objects.filter(ends_at=None)
    other = _narrowed(periods, organisation_id).exclude(
        billing_mode=F("organisation__billing_mode")
    )
    for period in other.select_related("organisation").order_by("pk"):
        yield (
            f"organisation {period.organisation_id}: is {period.organisation.mode}, "
            f"and its period says {period.billing_mode} (23)"
        )


def _left_on_nce(rows: "QuerySet[AutoRecharge]") -> Iterator[str]:
    """22: no auto-recharge was born on NCE or outlived the move there."""
    for row in _born_on_nce(rows, "switched_on_at"):
        yield f"auto-recharge {row.pk}: was switched on on NCE (22)"
    for row in rows.filter(organisation__billing_mode=BillingMode.NCE):
        yield f"auto-recharge {row.pk}: its organisation is on NCE (22)"


def _incoming(
    wallets: "QuerySet[Wallet]", incoming: dict[int, Micros]
) -> Iterator[str]:
    for wallet in wallets.filter(~Q(incoming=0) | Q(pk__in=incoming)):
        expected = incoming.get(wallet.organisation_id, 0)
        if wallet.incoming != expected:
            yield (
                f"wallet {wallet.organisation_id}: incoming {wallet.incoming}, "
                f"top-ups being processed {expected} (18)"
            )


def _receipt_gaps() -> Iterator[str]:
    """20: every number that was handed out stands on one receipt."""
    for series in NumberSeries.objects.filter(name__startswith="R-"):
        used = Counter(
            int(number.rpartition("-")[2])
            for sales in (TopUp.objects, StaffPayment.objects)
            for number in sales.filter(
                receipt_number__startswith=f"{series.name}-"
            ).values_list("receipt_number", flat=True)
        )
        given = range(1, series.last + 1)
        for number in sorted(set(given) ^ used.keys()):
            yield f"receipt {series.name}-{number:04d}: missing or never given (20)"
        for number in sorted(number for number, times in used.items() if times > 1):
            yield f"receipt {series.name}-{number:04d}: given twice (20)"


def _waiting_events(at: datetime) -> Iterator[str]:
    """26: an event that waits longer than the sweep takes."""
    waiting = StripeInbox.objects.filter(
        worked_at=None, received_at__lt=at - WITHIN_ITS_TIME
    )
    for event in waiting.order_by("pk"):
        tries = f"not worked after {event.tries} tries"
        yield f"Stripe event {event.event_id}: {tries} (26)"


def _waiting_notices(organisation_id: int | None, at: datetime) -> Iterator[str]:
    waiting = _narrowed(Notice.objects.order_by("pk"), organisation_id)
    for notice in waiting.filter(sent_at=None, next_try_at__lt=at - WITHIN_ITS_TIME):
        yield f"notice {notice.pk}: not sent after {notice.tries} tries (26)"
