"""A recharge whose card asks for its owner is approved on-session (rule 5.6).

The charge has ended for good; its owner pays the same order at Stripe's page, with
whatever card, and the attempt ends with it. Staff give up what nobody can find.
"""

from datetime import datetime

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import Organisation, User
from billing import gateway
from billing.apply_outcome import apply_outcome
from billing.incoming import note_incoming
from billing.models import AttemptState, RechargeAttempt, TopUp, TryOutcome
from billing.recharging.end_recharge import end_recharge
from billing.recharging.recharge import KEY_LASTS, find_payment
from billing.refusals import NothingToApprove, NotLookedForYet
from billing.top_up import finish_top_up
from credits.lock import lock_wallet


def approve_recharge(
    attempt_id: int, *, organisation: Organisation, language: str, at: datetime
) -> TopUp:
    """The order with a payment page that is open; or paid, where that was done before.

    Asked again it is the same page, and another only once that one has expired.
    """
    attempts = RechargeAttempt.objects.select_related("top_up__organisation")
    attempt = attempts.filter(organisation=organisation, pk=attempt_id).first()
    if attempt is None or attempt.state != AttemptState.ACTION_REQUIRED:
        raise NothingToApprove
    top_up = attempt.top_up
    if top_up.stripe_session_id:
        page = gateway.fetch_checkout(top_up.stripe_session_id)
        if not page.is_expired:
            return finish_top_up(top_up.pk, at=at) if page.is_complete else top_up
    new = gateway.open_checkout(
        top_up,
        customer_id=top_up.stripe_customer_id,
        language=language,
        instead_of=top_up.stripe_session_id,
    )
    # Still that page's turn: somebody quicker got the same one, by its key.
    TopUp.objects.filter(pk=top_up.pk).update(
        stripe_session_id=new.id, checkout_url=new.url
    )
    top_up.refresh_from_db()
    attempt.refresh_from_db()
    if attempt.state != AttemptState.ACTION_REQUIRED:
        # It ended while Stripe was asked, so that nobody knew of this page.
        gateway.expire_checkout(new.id)
        raise NothingToApprove
    return top_up


def give_up_recharge(
    attempt: RechargeAttempt, reason: str, *, actor: User, at: datetime
) -> RechargeAttempt:
    """Staff found that nothing was charged; the wallet may be recharged again.

    Only once the key is too old to be sent again, and after one more look: a payment
    that is there, and has not ended, may still succeed.
    """
    one = attempt.tries.order_by("-number")[0]
    first = one.first_sent_at or one.made_at
    if attempt.state != AttemptState.SENT or at < first + KEY_LASTS:
        raise NotLookedForYet
    payment = find_payment(one)
    if payment is not None:
        apply_outcome(attempt.top_up_id, payment, None, at=at)
    with transaction.atomic():
        lock_wallet(attempt.organisation_id)
        locked = RechargeAttempt.objects.select_for_update(of=("self",))
        attempt = locked.select_related("top_up", "organisation").get(pk=attempt.pk)
        if attempt.state == AttemptState.SENT:
            if payment is not None:
                raise NotLookedForYet
            attempt.tries.filter(pk=one.pk).update(
                outcome=TryOutcome.DECLINED, failure_code="given_up", ended_at=at
            )
            end_recharge(attempt, code="given_up", at=at)
            record_audit(
                "give_up_recharge",
                at=at,
                organisation=attempt.organisation,
                actor=actor,
                object=attempt.reference,
                reason=reason,
            )
            note_incoming(attempt.organisation_id)
    return attempt
