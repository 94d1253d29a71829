"""The saved cards of an organisation: which is charged, and which is let go (rule 5.1).

Every verb locks the wallet first, as the recharge that charges the card does. A removed
card stays as a row; at Stripe it is let go afterwards, outside the transaction.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django_q.tasks import async_task

from accounts.audit import record_audit
from accounts.models import User
from billing.cards.card_gateway import detach_payment_method
from billing.cards.keep_card import is_being_charged
from billing.models import AutoRecharge, PaymentMethod, RechargeCause
from billing.recharging.end_recharge import end_waiting_recharges
from billing.refusals import CardInUse, CardNotChargeable, PaymentsUnavailable
from credits.lock import lock_wallet
from credits.refresh import NUDGE


def make_default(
    method: PaymentMethod, *, actor: User | None, at: datetime
) -> PaymentMethod:
    """The card charged from now on, by auto-recharge too; CardNotChargeable if it
    expired, is paused, or pays only while its owner is there."""
    with transaction.atomic():
        found = _locked(method)
        if not found.may_be_charged(found.organisation.local_day(at)):
            raise CardNotChargeable
        charge_from_now_on(found, actor=actor, at=at)
    return found


def charge_from_now_on(
    method: PaymentMethod, *, actor: User | None, at: datetime
) -> None:
    """The caller holds the wallet's lock and knows that the card may be charged.

    Auto-recharge goes on with it: what waits for the former card is ended, and that
    becomes the backup where this one was the backup.
    """
    cards = PaymentMethod.objects.filter(organisation=method.organisation_id)
    former = cards.filter(is_default=True).exclude(pk=method.pk).first()
    cards.exclude(pk=method.pk).filter(is_default=True).update(is_default=False)
    method.is_default = True
    method.save(update_fields=["is_default"])
    recharge = AutoRecharge.objects.filter(organisation=method.organisation_id).first()
    if recharge is not None and recharge.payment_method_id != method.pk:
        if recharge.backup_id == method.pk:
            recharge.backup_id = recharge.payment_method_id
        recharge.payment_method = method
        recharge.changed_at = at
        recharge.save()
        end_waiting_recharges(recharge.organisation_id, code="card_changed", at=at)
        # The queue is a table: what is due is charged once this has been committed.
        async_task(NUDGE, [recharge.organisation_id], RechargeCause.CARD.value)
    record_audit(
        "make_default_card",
        at=at,
        organisation=method.organisation,
        actor=actor,
        object=method.reference,
        before={"card": former.reference if former else ""},
        after={"card": method.reference, "auto_recharge": recharge is not None},
    )


def remove_card(
    method: PaymentMethod, *, actor: User | None, at: datetime
) -> PaymentMethod:
    """The card, gone for good; CardInUse while auto-recharge charges it.

    A backup may go: auto-recharge then has none.
    """
    with transaction.atomic():
        found = _locked(method)
        if found.removed_at is None:
            _remove(found, actor=actor, at=at)
    let_go(found, at=at)
    return found


def let_go(method: PaymentMethod, *, at: datetime) -> None:
    """Stripe forgets a removed card; does it not answer, the sweep asks again."""
    if method.removed_at is None or method.detached_at is not None:
        return
    try:
        detach_payment_method(method.stripe_payment_method_id)
    except PaymentsUnavailable:
        return
    method.detached_at = at
    method.save(update_fields=["detached_at"])


def let_go_of_removed(at: datetime, *, limit: int = 50) -> int:
    """Asks again for removed cards that Stripe still keeps; how many there were."""
    kept = PaymentMethod.objects.filter(removed_at__isnull=False, detached_at=None)
    found = list(kept.order_by("pk")[:limit])
    for method in found:
        let_go(method, at=at)
    return len(found)


def _remove(method: PaymentMethod, *, actor: User | None, at: datetime) -> None:
    charged = AutoRecharge.objects.filter(payment_method=method)
    if charged.exists() or is_being_charged(method):
        raise CardInUse
    AutoRecharge.objects.filter(backup=method).update(backup=None, changed_at=at)
    was_default = method.is_default
    method.is_default, method.removed_at = False, at
    method.save(update_fields=["is_default", "removed_at"])
    if was_default:
        _choose_another(method, at=at)
    record_audit(
        "remove_card",
        at=at,
        organisation=method.organisation,
        actor=actor,
        object=method.reference,
        before={"card": str(method), "was_default": was_default},
    )


def _choose_another(removed: PaymentMethod, *, at: datetime) -> None:
    """The newest that can be charged takes its place, if there is one."""
    today = removed.organisation.local_day(at)
    others = PaymentMethod.objects.kept().filter(organisation=removed.organisation_id)
    for other in others.order_by(F("added_at").desc(), "-pk"):
        if other.may_be_charged(today):
            other.is_default = True
            other.save(update_fields=["is_default"])
            return


def _locked(method: PaymentMethod) -> PaymentMethod:
    """The row as it stands, with the wallet locked."""
    lock_wallet(method.organisation_id)
    rows = PaymentMethod.objects.select_related("organisation")
    return rows.select_for_update(of=("self",)).get(pk=method.pk)
