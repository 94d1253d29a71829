"""Asks Stripe about invoices that are owed, or that it may still collect (rule 10.2).

Looks at state, so a lost event, or a crash between our row and Stripe, heals itself.
"""

import logging
from datetime import datetime, timedelta

from django.db.models import F, Q

from billing.collecting.collect_invoice import collect_invoice
from billing.models import Invoice, InvoiceKind
from billing.models.invoices import OWED
from billing.refusals import PaymentsUnavailable

logger = logging.getLogger(__name__)

ASK_AFTER = timedelta(minutes=2)
# Invoices are open for weeks, thousands at a time; their events come within minutes.
ASK_AGAIN_AFTER = timedelta(hours=6)
LOOK_BACK = timedelta(days=1)


def reconcile_invoices(at: datetime, *, limit: int = 50) -> int:
    """Goes on with the longest unasked first; how many were asked about.

    Called again with the same moment, it goes on with the others.
    """
    not_sent = Q(stripe_invoice_id="") & _not_asked_since(at)
    # What has ended here may still be open at Stripe, if its job did not get there.
    ended = ~Q(stripe_invoice_id="") & Q(ended_at__gte=at - LOOK_BACK)
    is_bill = Q(kind=InvoiceKind.INVOICE, issued_at__lte=at - ASK_AFTER)
    due = Invoice.objects.filter(
        is_bill,
        Q(state__in=OWED) | ended,
        not_sent | _not_asked_since(at - ASK_AGAIN_AFTER),
    )
    asked = 0
    longest_unasked = due.order_by(F("looked_at").asc(nulls_first=True), "pk")
    for invoice_id in longest_unasked.values_list("pk", flat=True)[:limit]:
        # Noted first: one that cannot be asked about must not block the others.
        Invoice.objects.filter(pk=invoice_id).update(looked_at=at)
        try:
            collect_invoice(invoice_id, at=at)
        except PaymentsUnavailable:
            break
        except Exception:
            logger.exception("invoice %s could not be collected", invoice_id)
        asked += 1
    return asked


def _not_asked_since(moment: datetime) -> Q:
    return Q(looked_at=None) | Q(looked_at__lt=moment)
