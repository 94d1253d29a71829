"""Auto-recharge at work: claim, charge, and go on with what did not end (rule 5).

The claim is written under the wallet's lock (`claim_recharges`); then, outside any
transaction, Stripe is asked with the key that was written down; what it says is acted
upon in `apply_outcome`. Whatever dies in between is gone on with from the rows.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import BillingMode
from accounts.staff_tasks import raise_staff_task
from billing import gateway
from billing.apply_outcome import apply_outcome
from billing.incoming import note_incoming
from billing.models import (
    AttemptState,
    AutoRecharge,
    PaymentMethod,
    RechargeAttempt,
    RechargeCause,
    RechargeStop,
    RechargeTry,
)
from billing.recharging.claim_recharges import claim_due, claim_one
from billing.recharging.end_recharge import end_recharge
from billing.recharging.recharge_outcome import backup_of, note_card_gone
from billing.recharging.write_claims import payment_key
from billing.refusals import CardGone, PaymentsUnavailable
from credits.lock import does_a_wallet_want, lock_wallet
from credits.models import Wallet

logger = logging.getLogger(__name__)

OUTCOME_NOT_KNOWN = "recharge_outcome_not_known"
# Longer than every try of the call takes; then twice as long each time.
RESENT_AFTER, RESENT_EVERY = timedelta(seconds=90), timedelta(hours=1)
# Stripe keeps a key for a day; sent again later, it would charge anew.
KEY_LASTS = timedelta(hours=23)
STOPPED_FOR = timedelta(minutes=10)
TO_GO_ON_WITH = (AttemptState.CLAIMED, AttemptState.SENT, AttemptState.COOLING)


@dataclass(frozen=True)
class _Order:
    """One call that is due: charge, or only look how it went."""

    attempt: RechargeAttempt
    one: RechargeTry
    may_send: bool
    was_sent: bool


def recharge_if_wanted(
    organisation_id: int, *, cause: RechargeCause, at: datetime, is_asked: bool = False
) -> RechargeAttempt | None:
    """Charges a wallet that is below its trigger; None where nothing was claimed.

    `is_asked`: somebody wants it now, whether or not it was used lately. An answer
    that does not come is waited for by `go_on_with_recharges`.
    """
    claimed = claim_one(organisation_id, cause=cause, at=at, is_asked=is_asked)
    if claimed is None:
        return None
    try:
        go_on_with_recharge(claimed, at=at)
    except PaymentsUnavailable:
        logger.info("recharge %s: Stripe does not answer", claimed)
    return RechargeAttempt.objects.select_related("top_up").get(pk=claimed)


def sweep_recharges(
    at: datetime, *, limit: int = 1000, cause: RechargeCause = RechargeCause.SWEEP
) -> int:
    """Claims for every wallet that wants it, `limit` at a time; how many were claimed.

    They are charged by `go_on_with_recharges`.
    """
    claimed, after = 0, 0
    if not does_a_wallet_want():
        return 0
    while (swept := claim_due(at, limit=limit, after=after, cause=cause)).last:
        claimed += len(swept.claimed)
        after = swept.last
    return claimed


def go_on_with_recharges(at: datetime, *, limit: int = 20) -> int:
    """Sends what is due, the longest overdue first; how many were gone on with.

    When Stripe is away it stops: that is no decline, and every key is kept.
    """
    due = RechargeAttempt.objects.filter(state__in=TO_GO_ON_WITH, next_try_at__lte=at)
    worked = 0
    for attempt_id in due.order_by("next_try_at", "pk").values_list("pk", flat=True)[
        :limit
    ]:
        try:
            go_on_with_recharge(attempt_id, at=at)
        except PaymentsUnavailable:
            break
        except Exception:
            logger.exception("recharge %s could not be gone on with", attempt_id)
        worked += 1
    return worked


def go_on_with_recharge(attempt_id: int, *, at: datetime) -> None:
    """The next step of one recharge, if it is due: send, send again, or only look.

    1. Take it: the key stands in its row, and its next turn too, before anyone calls.
    2. Charge, or ask how the charge went; nothing is locked meanwhile.
    3. Act on what Stripe says. A card that is gone is declined for good, whereupon
       the backup is charged at once.
    """
    while (order := _take(attempt_id, at=at)) and _carry_out(order, at=at):
        pass


def ask_about_sent(attempt_id: int, *, at: datetime) -> None:
    """One step of a charge that was sent, due or not: send again, or only look.

    What follows from the answer is left to `go_on_with_recharges`. Nothing is done
    where it is not under way at Stripe.
    """
    if order := _take(attempt_id, at=at, only_sent=True):
        _carry_out(order, at=at)


def _carry_out(order: _Order, *, at: datetime) -> bool:
    """Whether Stripe gave an answer that was acted upon."""
    try:
        payment = _ask(order, at=at)
    except CardGone:
        _refuse(order.attempt, at=at)
        return True
    if payment is None:
        return False
    apply_outcome(order.attempt.top_up_id, payment, None, at=at)
    return True


def _take(attempt_id: int, *, at: datetime, only_sent: bool = False) -> _Order | None:
    organisation_id = RechargeAttempt.objects.get(pk=attempt_id).organisation_id
    with transaction.atomic():
        wallet = lock_wallet(organisation_id)
        attempt = _locked(attempt_id)
        if not (_is_sent(attempt) if only_sent else _is_due(attempt, at)):
            return None
        row = AutoRecharge.objects.filter(organisation=organisation_id).first()
        is_stopped = _is_stopped(row)
        if attempt.state != AttemptState.SENT:
            if code := _not_to_be_sent(attempt, wallet, row, is_stopped=is_stopped):
                _put_off(attempt, code, at=at)
                return None
            _begin_try(attempt, at=at)
        order = _order(attempt, may_send=not is_stopped, at=at)
        note_incoming(organisation_id)
    return order


def _is_due(attempt: RechargeAttempt, at: datetime) -> bool:
    is_time = attempt.next_try_at is not None and attempt.next_try_at <= at
    return attempt.state in TO_GO_ON_WITH and is_time


def _is_sent(attempt: RechargeAttempt) -> bool:
    return attempt.state == AttemptState.SENT


def _locked(attempt_id: int) -> RechargeAttempt:
    attempts = RechargeAttempt.objects.select_for_update(of=("self",))
    return attempts.select_related("top_up", "organisation").get(pk=attempt_id)


def _is_stopped(row: AutoRecharge | None) -> bool:
    return (
        row is None or row.stopped_at is not None or RechargeStop.in_force() is not None
    )


def _not_to_be_sent(
    attempt: RechargeAttempt,
    wallet: Wallet,
    row: AutoRecharge | None,
    *,
    is_stopped: bool,
) -> str:
    """Why a charge that was not sent yet is not sent now; '' if it is."""
    if attempt.organisation.billing_mode != BillingMode.PREPAID:
        return "moved_to_nce"
    if row is None:
        return "switched_off"
    if is_stopped or attempt.organisation.suspended_at is not None:
        return "stopped_by_staff"
    if not wallet.recharge_wanted:
        return "topped_up"
    return "card_paused" if _card_to_charge(attempt).suspended_at else ""


def _put_off(attempt: RechargeAttempt, code: str, *, at: datetime) -> None:
    """Ends it; a stopped one that was declined before waits until it is allowed."""
    if code == "stopped_by_staff" and attempt.state == AttemptState.COOLING:
        attempt.next_try_at = at + STOPPED_FOR
        attempt.save(update_fields=["next_try_at"])
    else:
        end_recharge(attempt, code=code, at=at)


def _card_to_charge(attempt: RechargeAttempt) -> PaymentMethod:
    """The card of the first try; the backup once it was gone to."""
    backup = backup_of(attempt) if attempt.used_backup else None
    tries = attempt.tries.select_related("payment_method")
    return backup or tries.get(number=1).payment_method


def _begin_try(attempt: RechargeAttempt, *, at: datetime) -> None:
    """The first is there since the claim; the number rises after a decline alone."""
    if attempt.state == AttemptState.COOLING:
        number = attempt.tries.count() + 1
        attempt.tries.create(
            number=number,
            payment_method=_card_to_charge(attempt),
            stripe_key=payment_key(attempt.pk, number),
            made_at=at,
        )
    attempt.state = AttemptState.SENT


def _order(attempt: RechargeAttempt, *, may_send: bool, at: datetime) -> _Order:
    """Writes down what is about to be done, and when it is due again."""
    tries = attempt.tries.select_related("payment_method").order_by("-number")
    one = tries[0]
    one.attempt = attempt
    first = one.first_sent_at or at
    if one.stripe_payment_intent_id or at >= first + KEY_LASTS:
        may_send = False
    was_sent = one.first_sent_at is not None
    if may_send:
        one.first_sent_at, one.last_sent_at = first, at
    one.looked_at = at
    one.save(update_fields=["first_sent_at", "last_sent_at", "looked_at"])
    attempt.next_try_at = at + min(max(at - first, RESENT_AFTER), RESENT_EVERY)
    attempt.save(update_fields=["state", "next_try_at"])
    return _Order(attempt, one, may_send, was_sent)


def _ask(order: _Order, *, at: datetime) -> gateway.Payment | None:
    """What Stripe says, fetched anew: an answer to a resent key may be an old one.

    What was sent before is looked for first: an error is repeated along with its key.
    """
    one = order.one
    if one.stripe_payment_intent_id:
        return gateway.fetch_payment(one.stripe_payment_intent_id)
    if order.was_sent and (found := _look_for(order, at=at)):
        return found
    if order.may_send:
        return gateway.fetch_payment(gateway.charge_off_session(one))
    return None


def find_payment(one: RechargeTry) -> gateway.Payment | None:
    """The payment of a try, if Stripe has one, by the key that it carries."""
    first = one.first_sent_at or one.made_at
    # Stripe's clock may be behind ours.
    since = first - timedelta(hours=1)
    customer = one.attempt.top_up.stripe_customer_id
    for payment in gateway.list_payments(customer, since=since):
        if payment.metadata.get(gateway.TRY) == one.stripe_key:
            return payment
    return None


def _look_for(order: _Order, *, at: datetime) -> gateway.Payment | None:
    """Among the customer's payments; one that is not there is for staff to decide."""
    one = order.one
    if found := find_payment(one):
        return found
    if at >= (one.first_sent_at or one.made_at) + KEY_LASTS:
        raise_staff_task(
            OUTCOME_NOT_KNOWN,
            reference=one.stripe_key,
            detail=f"{order.attempt.organisation}: {one.stripe_key} was sent and no "
            "payment of it is found at Stripe; it is not sent again.",
            organisation=order.attempt.organisation,
            at=at,
        )
    return None


def _refuse(attempt: RechargeAttempt, *, at: datetime) -> None:
    with transaction.atomic():
        lock_wallet(attempt.organisation_id)
        attempt = _locked(attempt.pk)
        one = attempt.tries.select_related("payment_method").order_by("-number")[0]
        if one.ended_at is None:
            note_card_gone(attempt, one, at=at)
        note_incoming(attempt.organisation_id)
