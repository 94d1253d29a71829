"""What is compared with Stripe: four sides of Stripe's, then five of ours."""

from collections.abc import Callable
from typing import Any

from billing import gateway
from billing.models import Dispute, InvoicePayment, RechargeTry, Refund, TopUp
from billing.reconciling import compare_ours as ours
from billing.reconciling import compare_theirs as theirs
from billing.reconciling.page_sides import Side
from billing.reversing import reversal_gateway

SIDES = (
    Side("events", theirs.page_of_events, theirs.compare_event),
    Side("payments", theirs.page_of_payments, theirs.compare_payment),
    Side("refunds", theirs.page_of_refunds, theirs.compare_refund),
    Side("disputes", theirs.page_of_disputes, theirs.compare_dispute),
    Side("top-ups", ours.page_of_top_ups, ours.compare_top_up, ours.sums_of_top_up),
    Side(
        "our-refunds",
        ours.page_of_our_refunds,
        ours.compare_our_refund,
        ours.sums_of_refund,
    ),
    Side(
        "our-disputes",
        ours.page_of_our_disputes,
        ours.compare_our_dispute,
        ours.sums_of_dispute,
    ),
    Side(
        "invoice-payments",
        ours.page_of_invoice_payments,
        ours.compare_invoice_payment,
        ours.sums_of_invoice_payment,
    ),
    Side("recharge-tries", ours.page_of_unknown_tries, ours.compare_try),
)

# How one of a side is fetched anew by its name.
FETCH: dict[str, Callable[[str], Any]] = {
    "events": gateway.fetch_event,
    "payments": gateway.fetch_payment,
    "refunds": reversal_gateway.fetch_refund,
    "disputes": str,
    "top-ups": lambda pk: TopUp.objects.get(pk=int(pk)),
    "our-refunds": lambda pk: Refund.objects.get(pk=int(pk)),
    "our-disputes": lambda pk: Dispute.objects.get(pk=int(pk)),
    "invoice-payments": lambda pk: InvoicePayment.objects.get(pk=int(pk)),
    "recharge-tries": lambda pk: RechargeTry.objects.get(pk=int(pk)),
}
