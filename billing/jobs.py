"""What the worker runs for this app; the timetable is config/schedule.py."""

import logging

from django.utils import timezone

from accounts.named_job import Turn, job_with_cursor, named_job
from billing.cards.card_setup import finish_card_setups
from billing.cards.payment_methods import let_go_of_removed
from billing.cards.tell_expiring_cards import tell_of_expiring_cards
from billing.collecting import collect_invoice as collecting
from billing.collecting.dun_invoices import dun_invoices as remind_of_invoices
from billing.collecting.issue_invoice import issue_drafts
from billing.convert.close_pages import close_payment_page
from billing.documents.ask_receipt import RECEIPTS
from billing.documents.keep_document import keep_receipt as render_receipt
from billing.forget_events import forget_events as forget_worked
from billing.invoicing.close_due import close_due_months
from billing.models import RechargeCause, TopUp
from billing.recharging.recharge import (
    go_on_with_recharges,
    recharge_if_wanted,
    sweep_recharges,
)
from billing.reconciling import reconcile
from billing.reconciling.compare_with_stripe import compare_next
from billing.reconciling.open_orders import reconcile_open_orders
from billing.statements.tell_statements import tell_statements as tell_of_statements
from billing.telling.tell_expiry import remind_of_expiry, tell_of_expired
from billing.telling.watch_balances import watch_balances as tell_of_moved_balances
from billing.work_event import work_event

logger = logging.getLogger(__name__)


@named_job
def work_inbox(inbox_id: int) -> None:
    """Works one event of Stripe; asked for when it comes in."""
    work_event(inbox_id, at=timezone.now())


@job_with_cursor
def reconcile_orders(turn: Turn) -> str:
    """The longest unasked come first: what does not fit a run opens the next."""
    run = reconcile_open_orders(
        timezone.now(), is_over=lambda: turn.is_over, lasted=lambda: turn.lasted
    )
    logger.info("reconcile_orders: %s asked, %s ended", run.compared, run.differences)
    return ""


@named_job
def work_waiting_events() -> None:
    worked = reconcile.work_waiting_events(timezone.now())
    logger.info("work_waiting_events: %s worked", worked)


@named_job
def forget_events() -> None:
    """Drops Stripe's events 90 days after they were worked."""
    logger.info("forget_events: %s", forget_worked(timezone.now()))


@job_with_cursor
def compare_with_stripe(turn: Turn) -> str:
    """Page by page, in both directions; what does not fit goes on in the next run."""
    at = timezone.now()
    cursor = compare_next(turn.cursor, at=at)
    while cursor and not turn.is_over:
        cursor = compare_next(cursor, at=at)
    logger.info("compare_with_stripe: %s", f"went to {cursor}" if cursor else "done")
    return cursor


@named_job
def finish_cards() -> None:
    """Cards whose event was lost, and removed ones that Stripe still keeps."""
    at = timezone.now()
    finished, let_go = finish_card_setups(at), let_go_of_removed(at)
    logger.info("finish_cards: %s asked about, %s let go", finished, let_go)


@named_job
def tell_expiring_cards() -> None:
    told = tell_of_expiring_cards(timezone.now())
    logger.info("tell_expiring_cards: %s cards expire soon", told)


@named_job
def nudge_recharge(cause: str, organisation_id: int = 0) -> None:
    """Charges a wallet that fell below its trigger; several, where none is named."""
    at, why = timezone.now(), RechargeCause(cause)
    if organisation_id:
        recharge_if_wanted(organisation_id, cause=why, at=at)
    else:
        sweep_recharges(at, cause=why)
        go_on_with_recharges(at)


@named_job
def close_page(top_up_id: int) -> None:
    """Closes the payment page of a recharge that ended; paid before, it is credited."""
    close_payment_page(TopUp.objects.get(pk=top_up_id), at=timezone.now())


@job_with_cursor
def charge_recharges(turn: Turn) -> str:
    """Claims for every wallet that wants it, then sends what is due, oldest first."""
    at, worked = timezone.now(), 0
    claimed = sweep_recharges(at)
    while not turn.is_over and (done := go_on_with_recharges(at, limit=5)):
        worked += done
    logger.info("charge_recharges: %s claimed, %s gone on with", claimed, worked)
    return ""


@named_job
def watch_balances() -> None:
    """Owes the messages about balances that run low, are used up or are back."""
    told = tell_of_moved_balances(timezone.now())
    logger.info("watch_balances: %s messages", told)


@job_with_cursor
def tell_expiry(turn: Turn) -> str:
    """Reminds of credit that expires, lot by lot; tells of what has expired."""
    at, seen = timezone.now(), 0
    while not turn.is_over and (done := tell_of_expired(at)):
        seen += done
    after = int(turn.cursor or 0)
    while not turn.is_over:
        after = remind_of_expiry(at, after=after)
        if not after:
            break
    logger.info("tell_expiry: %s expired lots told of", seen)
    return str(after or "")


@named_job
def keep_receipt(kind: str, sale_id: int) -> None:
    """Renders the receipt of a sale, with both parties as they are that day."""
    sale = RECEIPTS[kind].objects.select_related("organisation").get(pk=sale_id)
    render_receipt(sale, at=timezone.now())


@job_with_cursor
def issue_invoices(turn: Turn) -> str:
    """Issues what was drafted, oldest first; what does not fit is the next run's."""
    at, issued = timezone.now(), 0
    while not turn.is_over and (done := issue_drafts(at, limit=20)):
        issued += done
    logger.info("issue_invoices: %s issued", issued)
    return ""


@named_job
def collect_invoice(invoice_id: int) -> None:
    """Tells Stripe what is owed on one invoice; asked for when that changes."""
    collecting.collect_invoice(invoice_id, at=timezone.now())


@job_with_cursor
def dun_invoices(turn: Turn) -> str:
    """Reminds of what is due, invoice by invoice; goes on where the last run ended."""
    at, after, moved = timezone.now(), int(turn.cursor or 0), 0
    while not turn.is_over:
        run = remind_of_invoices(at, after=after)
        after, moved = run.last, moved + run.moved
        if not after:
            break
    logger.info("dun_invoices: %s reminded of, late or stopped", moved)
    return str(after or "")


@job_with_cursor
def close_months(turn: Turn) -> str:
    """Closes months that have been over for 72 hours, a thousand at a time."""
    at, closed = timezone.now(), 0
    while not turn.is_over and (done := close_due_months(at)):
        closed += done
    logger.info("close_months: %s closed", closed)
    return ""


@job_with_cursor
def tell_statements(turn: Turn) -> str:
    """Tells of the statements of last month, on the first days of the next."""
    at, seen = timezone.now(), 0
    while not turn.is_over and (done := tell_of_statements(at)):
        seen += done
    logger.info("tell_statements: %s organisations looked at", seen)
    return ""
