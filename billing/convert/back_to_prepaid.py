"""Staff move an organisation back to prepaid, after its final invoice (rule 2.4).

One transaction, wallet first: all use and debt until now is billed and that invoice
issued, with every draft before it; then subscriptions become their prepaid twins, the
spending limit goes and a new mode period begins. Calls that started before are still
billed after use, on the next invoice. Asked twice, it does nothing more.
"""

from datetime import datetime

from django.db import transaction
from django.urls import reverse

from accounts.models import BillingMode, NoticeKind, Organisation, User
from accounts.notify import owe_notice
from billing.collecting.issue_invoice import issue_invoice
from billing.convert.move_to_nce import begin_period, effective_from, note_move
from billing.invoicing.close_final import close_final
from billing.invoicing.read_closed import billed_by, closed_before
from billing.invoicing.read_usage import newest_charge, read_usage
from billing.models import InvoiceState
from billing.reasons import check_reason
from billing.refusals import OrganisationClosed, UseNotBilled
from calling.pool_size import next_month
from calling.spending.set_limit import remove_spending_limit
from calling.swap_plans import swap_plans
from credits.lock import lock_wallet


def back_to_prepaid(
    organisation: Organisation, *, actor: User, reason: str, at: datetime
) -> Organisation:
    """The organisation as it is afterwards.

    Raises UseNotBilled where this month has had its final invoice and was used since,
    NoTwinPlan, OrganisationClosed, and a ValidationError for a short reason.
    """
    check_reason(reason)
    with transaction.atomic():
        wallet = lock_wallet(organisation.pk)
        found = Organisation.objects.select_for_update(no_key=True).get(
            pk=organisation.pk
        )
        if found.closed_at is not None:
            raise OrganisationClosed
        if found.buys_credits:
            return found
        at = effective_from(found, at)
        _issue_all(found, actor=actor, reason=reason, at=at)
        remove_spending_limit(found, actor=actor, reason=reason, at=at)
        begin_period(found, BillingMode.PREPAID, at=at)
        swaps = swap_plans(found, at=at)
        note_move(
            "back_to_prepaid",
            found,
            swaps,
            wallet,
            actor=actor,
            reason=reason,
            ip=None,
            at=at,
        )
        owe_notice(
            NoticeKind.BACK_TO_PREPAID,
            organisation=found,
            episode=f"moved:{at.isoformat()}",
            context={"moved_at": at.isoformat(), "path": reverse("add_funds")},
            at=at,
        )
    return found


def _issue_all(
    organisation: Organisation, *, actor: User, reason: str, at: datetime
) -> None:
    close_final(organisation, actor=actor, at=at)
    drafts = organisation.invoices.filter(state=InvoiceState.DRAFT)
    for draft in drafts.order_by("pk"):
        issue_invoice(draft, actor=actor, reason=reason, at=at)
    # A second final invoice in one month is not made, so nothing may be left for it.
    if lock_wallet(organisation.pk).debt or _has_unbilled_use(organisation, at):
        raise UseNotBilled


def _has_unbilled_use(organisation: Organisation, at: datetime) -> bool:
    closed = closed_before([organisation.pk])[organisation.pk]
    month = organisation.local_day(at).replace(day=1)
    used = read_usage(
        [billed_by(organisation.pk, closed)],
        month=month,
        until=next_month(month),
        up_to_charge=newest_charge(),
    )
    return any(one.amount for one in used.get(organisation.pk, ()))
