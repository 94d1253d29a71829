"""Proves our totals from those the last reconciliation stored; changes nothing.

Invariant 20: what was paid in its seven days is what it stored, and what it stored is
what Stripe had. Nothing that was paid moves afterwards; refunds and disputes may, and
are compared where none has moved since.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from billing.models import ReconciliationRun, TotalKind
from billing.reconciling.add_up import last_ended_run
from billing.reconciling.compare_ours import (
    card_payments,
    our_refunds,
    paid_top_ups,
    sums_of_invoice_payment,
    sums_of_refund,
    sums_of_top_up,
)
from billing.reconciling.compare_with_stripe import window_of
from billing.reconciling.page_sides import Sum
from credits.money import Micros


def total_breaches() -> Iterator[str]:
    run = last_ended_run()
    if run is None:
        return
    stored: dict[tuple[str, str], Micros] = defaultdict(int)
    for total in run.totals.all():
        stored[total.kind, total.currency] = total.ours
        if total.difference:
            yield (
                f"reconciliation {run.pk}: {total} adds up to {total.ours} here and "
                f"to {total.theirs} at Stripe (20)"
            )
    yield from _moved(run, stored, TotalKind.PAID, _paid(run))
    refunds = our_refunds(window_of(run))
    if not refunds.filter(ended_at__gte=run.started_at).exists():
        sums = (one for refund in refunds for one in sums_of_refund(refund))
        yield from _moved(run, stored, TotalKind.REFUNDED, sums)


def _paid(run: ReconciliationRun) -> Iterator[Sum]:
    window = window_of(run)
    for top_up in paid_top_ups(window):
        yield from sums_of_top_up(top_up)
    for paid in card_payments(window).select_related("invoice"):
        yield from sums_of_invoice_payment(paid)


def _moved(
    run: ReconciliationRun,
    stored: dict[tuple[str, str], Micros],
    kind: TotalKind,
    sums: Iterable[Sum],
) -> Iterator[str]:
    now: dict[str, Micros] = defaultdict(int)
    for one in sums:
        now[one.currency] += one.ours
    mine = {currency for of_kind, currency in stored if of_kind == kind}
    for currency in sorted(mine | now.keys()):
        then = stored.get((kind, currency), 0)
        if now[currency] != then:
            yield (
                f"reconciliation {run.pk}: {kind} {currency} added up to {then}, "
                f"now to {now[currency]} (20)"
            )
