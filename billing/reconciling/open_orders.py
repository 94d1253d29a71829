"""Asks Stripe about everything of ours that has not ended (every 15 minutes).

Each kind of order brings its owner's own verb, which asks about the longest unasked
first; this only goes round and writes down what came of it. What ended in a run had
ended at Stripe before: its event was late or lost.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from billing.cards.card_setup import finish_card_setups
from billing.collecting.reconcile_invoices import reconcile_invoices
from billing.gateway import page_of_events
from billing.keep_event import EVENTS, keep_if_lost
from billing.models import (
    CardSetup,
    CardSetupState,
    Dispute,
    Invoice,
    InvoiceState,
    RechargeTry,
    ReconciliationKind,
    ReconciliationRun,
    Refund,
    RefundState,
    TopUp,
    TopUpState,
    TryOutcome,
)
from billing.recharging.ask_unknown import ask_about_unknown_tries
from billing.reconciling.reconcile import reconcile_top_ups
from billing.reversing.sweep_reversals import go_on_with_refunds, look_at_disputes

# How many of one kind are asked about before its time is looked at.
AT_A_TIME = 5
LATEST_EVENTS = 100
# Longer than some runs that failed; older ones are found by the daily comparison.
LOOK_BACK = timedelta(hours=2)


@dataclass(frozen=True)
class Orders:
    """One kind: asks about some and says how many; finds those that it saw ended."""

    name: str
    ask: Callable[..., int]
    ended: Callable[[], "QuerySet[Any]"]


OPEN_ORDERS = (
    # Those of recharges too, once their payment is known.
    Orders(
        "top-ups",
        reconcile_top_ups,
        lambda: TopUp.objects.exclude(
            state__in=[TopUpState.STARTED, TopUpState.PROCESSING]
        ),
    ),
    # Only what was sent; whatever is to be charged yet is the sweep's of every minute.
    Orders(
        "recharge tries",
        ask_about_unknown_tries,
        lambda: RechargeTry.objects.exclude(outcome=TryOutcome.UNKNOWN),
    ),
    Orders(
        "card set-ups",
        finish_card_setups,
        lambda: CardSetup.objects.exclude(state=CardSetupState.STARTED),
    ),
    Orders(
        "refunds",
        go_on_with_refunds,
        lambda: Refund.objects.filter(
            state__in=[RefundState.SUCCEEDED, RefundState.FAILED]
        ),
    ),
    Orders(
        "disputes",
        look_at_disputes,
        lambda: Dispute.objects.exclude(closed_at=None),
    ),
    # Last: there may be many, and none waits for its answer.
    Orders(
        "invoices",
        reconcile_invoices,
        lambda: Invoice.objects.filter(state=InvoiceState.PAID),
    ),
)


def reconcile_open_orders(
    at: datetime, *, is_over: Callable[[], bool], lasted: Callable[[], timedelta]
) -> ReconciliationRun:
    """One round over every kind; what does not fit is the first of the next.

    Looks first for events that never came. Raises PaymentsUnavailable where Stripe does
    not even answer that; the run keeps the error.
    """
    run = ReconciliationRun.objects.create(
        kind=ReconciliationKind.OPEN_ORDERS, started_at=at
    )
    try:
        listed = page_of_events(at - LOOK_BACK, EVENTS, limit=LATEST_EVENTS)
        run.differences += sum(keep_if_lost(event, at=at) for event in listed)
        for orders in OPEN_ORDERS:
            while not is_over() and (asked := orders.ask(at, limit=AT_A_TIME)):
                run.compared += asked
            run.differences += orders.ended().filter(looked_at=at).count()
    except Exception as error:
        run.error = f"{type(error).__name__}: {error}"
        raise
    finally:
        run.ended_at = at + lasted()
        run.save()
    return run
