"""An organisation moves to NCE: from now on its calls are billed after use (rule 2.3).

One transaction, which locks the wallet and then the organisation: auto-recharge ends,
recharges that were not sent end, subscriptions become their NCE twins, a new mode
period begins. Open holds stay, and calls that started before settle as prepaid; what is
left of the credits is spent first. Announced transfers stay, and are credited when they
arrive (rule 2.2). After it Stripe closes the payment pages that are open. Asked twice,
it does nothing more.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max
from django.urls import reverse

from accounts.audit import record_audit
from accounts.models import (
    BillingMode,
    BillingModePeriod,
    NoticeKind,
    Organisation,
    User,
)
from accounts.notify import owe_notice
from billing.convert.close_pages import close_payment_pages
from billing.recharging.auto_recharge import switch_off_auto_recharge
from billing.recharging.end_recharge import end_waiting_recharges
from billing.refusals import OrganisationClosed
from calling.models import CallRecord
from calling.postpaid import invoiced_on
from calling.spending.set_limit import set_spending_limit
from calling.swap_plans import Swap, latest_beginning, swap_plans
from credits.lock import lock_wallet
from credits.models import Wallet
from credits.money import Micros, amount_text
from credits.statement import balance_of

CODE = "moved_to_nce"
A_MOMENT = timedelta(microseconds=1)
# So long may somebody else have held the wallet while `at` grew old.
WAITED = timedelta(minutes=1)


def move_to_nce(
    organisation: Organisation,
    *,
    actor: User,
    reason: str,
    at: datetime,
    spending_limit: Micros | None = None,
    ip: str | None = None,
) -> Organisation:
    """The organisation as it is afterwards; `spending_limit` is micros a month.

    Raises NoTwinPlan where a plan is not in the NCE catalogue, OrganisationClosed, and
    a ValidationError for an amount that is no limit; then nothing has changed.
    """
    with transaction.atomic():
        wallet = lock_wallet(organisation.pk)
        found = Organisation.objects.select_for_update(no_key=True).get(
            pk=organisation.pk
        )
        if found.closed_at is not None:
            raise OrganisationClosed
        if found.mode == BillingMode.NCE:
            return found
        at = effective_from(found, at)
        end_waiting_recharges(found.pk, code=CODE, at=at)
        switch_off_auto_recharge(found, actor=actor, reason=reason, at=at)
        begin_period(found, BillingMode.NCE, at=at)
        swaps = swap_plans(found, at=at)
        if spending_limit is not None:
            set_spending_limit(
                found, spending_limit, is_hard=True, actor=actor, ip=ip, at=at
            )
        note_move(
            "move_to_nce",
            found,
            swaps,
            wallet,
            actor=actor,
            reason=reason,
            ip=ip,
            at=at,
        )
        _tell(found, wallet, at=at)
    close_payment_pages(found.pk, at=at)
    return found


def begin_period(
    organisation: Organisation, mode: BillingMode, *, at: datetime
) -> None:
    """Ends the mode period that runs and begins the next; the row is locked already."""
    organisation.billing_mode = mode
    organisation.save(update_fields=["billing_mode"])
    BillingModePeriod.objects.filter(organisation=organisation, ends_at=None).update(
        ends_at=at
    )
    BillingModePeriod.objects.create(
        organisation=organisation, billing_mode=mode, starts_at=at
    )


def note_move(
    verb: str,
    organisation: Organisation,
    swaps: list[Swap],
    wallet: Wallet,
    *,
    actor: User,
    reason: str,
    ip: str | None,
    at: datetime,
) -> None:
    """The audit event of a move, either way."""
    record_audit(
        verb,
        at=at,
        organisation=organisation,
        actor=actor,
        object=f"organisation:{organisation.slug}",
        reason=reason,
        before={"plans": [swap.subscription.plan.slug for swap in swaps]},
        after={
            "billing_mode": organisation.billing_mode,
            "balance": amount_text(wallet.ledger_balance),
            "plans": [swap.twin.slug for swap in swaps if swap.twin is not None],
        },
        ip=ip,
    )


def effective_from(organisation: Organisation, at: datetime) -> datetime:
    """`at`, or later where something was begun or charged while the wallet was waited
    for: a call that is settled was settled in the mode it started in, and stays so.
    """
    settled = CallRecord.objects.filter(
        organisation=organisation, started_at__gte=at, started_at__lt=at + WAITED
    ).aggregate(latest=Max("started_at"))["latest"]
    period = organisation.mode_periods.get(ends_at=None).starts_at
    begun = (latest_beginning(organisation), period, settled)
    latest = max(moment for moment in begun if moment is not None)
    return max(at, latest + A_MOMENT)


def _tell(organisation: Organisation, wallet: Wallet, *, at: datetime) -> None:
    today = organisation.local_day(at)
    owe_notice(
        NoticeKind.MOVED_TO_NCE,
        organisation=organisation,
        episode=f"moved:{at.isoformat()}",
        context={
            "moved_at": at.isoformat(),
            "credit": max(0, balance_of(wallet, at).balance),
            "first_invoice_on": invoiced_on(organisation, today).isoformat(),
            "currency": organisation.currency,
            "path": reverse("credits"),
        },
        at=at,
    )
