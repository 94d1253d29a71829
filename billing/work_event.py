"""An event of Stripe is worked: what it is about is fetched, and the sale finished.

The event only says where to look; what it says about money is not believed. Several
events of one payment meet in the same verb, keyed by our top-up, so they may come
twice, late and in any order (rule 4.4). Nothing is locked while Stripe is asked; the
mirror is brought up to date last, since nothing depends on it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from django.db.models import F

from accounts.staff_tasks import raise_staff_task
from billing import gateway
from billing.apply_outcome import NOT_ATTRIBUTED
from billing.cards.card_gateway import CARD_SETUP, fetch_setup_names
from billing.cards.card_setup import finish_card_setup
from billing.collecting.apply_stripe_invoice import (
    work_payment_of_invoice,
    work_stripe_invoice,
)
from billing.models import CardSetup, StripeInbox, TopUp
from billing.reversing.dispute import apply_dispute
from billing.reversing.work_refund import work_refund
from billing.top_up import finish_top_up
from credits.money import amount_text


def work_event(inbox_id: int, *, at: datetime, is_again: bool = False) -> None:
    """Works the event once; an error is noted and raised, to be tried again.

    `is_again`: staff want it worked anew, which is harmless (museum B58).
    """
    event = StripeInbox.objects.get(pk=inbox_id)
    if event.worked_at is not None and not is_again:
        return
    row = StripeInbox.objects.filter(pk=inbox_id)
    row.update(tries=F("tries") + 1)
    try:
        _work(event, at=at)
    except Exception as error:
        row.update(error=f"{type(error).__name__}: {error}")
        raise
    row.update(worked_at=at, error="")


def finish_payment(payment: gateway.Payment, *, at: datetime) -> None:
    """Finishes the sale or invoice of a payment; money for neither is for staff."""
    top_up_id = _named_sale(payment.metadata)
    if top_up_id is not None:
        finish_top_up(top_up_id, at=at, payment_id=payment.id)
    elif payment.is_paid and not work_payment_of_invoice(payment.id, at=at):
        raise_staff_task(
            NOT_ATTRIBUTED,
            reference=payment.id,
            detail=f"{amount_text(payment.received)} {payment.currency} from "
            f"{payment.customer_id or 'nobody known'} names no sale of ours.",
            at=at,
        )


def _work(event: StripeInbox, *, at: datetime) -> None:
    named = event.payload["data"]["object"]["id"]
    for prefix, work in WORKERS.items():
        if event.type.startswith(prefix):
            work(named, at)


def _work_checkout(named: str, at: datetime) -> None:
    page = gateway.fetch_checkout(named)
    top_up_id = _named_sale(page.metadata)
    if top_up_id is not None:
        finish_top_up(top_up_id, at=at)
    else:
        _finish_setup_named_in(page.metadata, at)


def _work_payment(named: str, at: datetime) -> None:
    payment = gateway.fetch_payment(named)
    finish_payment(payment, at=at)
    gateway.mirror_payment(payment)


def _work_setup(named: str, at: datetime) -> None:
    _finish_setup_named_in(fetch_setup_names(named), at)


def _finish_setup_named_in(metadata: Mapping[str, str], at: datetime) -> None:
    named = metadata.get(CARD_SETUP, "")
    if named.isdecimal() and CardSetup.objects.filter(pk=int(named)).exists():
        finish_card_setup(int(named), at=at)


def _work_refund(named: str, at: datetime) -> None:
    work_refund(named, at=at)


def _work_dispute(named: str, at: datetime) -> None:
    apply_dispute(named, at=at)


def _work_invoice(named: str, at: datetime) -> None:
    work_stripe_invoice(named, at=at)


# What an event is about, by how its type begins.
WORKERS: dict[str, Callable[[str, datetime], None]] = {
    "checkout.session.": _work_checkout,
    "invoice.": _work_invoice,
    "payment_intent.": _work_payment,
    "setup_intent.": _work_setup,
    "refund.": _work_refund,
    "charge.dispute.": _work_dispute,
}


def _named_sale(metadata: Mapping[str, str]) -> int | None:
    named = metadata.get(gateway.TOP_UP, "")
    if not named.isdecimal():
        return None
    return TopUp.objects.filter(pk=int(named)).values_list("pk", flat=True).first()
