"""Closes an organisation: money back, the rest given up, doors shut (rule 1.8).

One transaction, which locks the wallet first: purchased credit that is unspent is
refunded by rule 4.7, promotional credit and fractions of a cent are given up,
auto-recharge ends, announced transfers and subscriptions too, keys are revoked, a final
invoice drafts what is owed for calls, and the organisation is marked, whereupon the
database refuses new sales. Stripe is asked after it; what it does not answer, the sweep
sends again. Everything is kept.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.audit import record_audit
from accounts.keys import revoke_key
from accounts.models import NoticeKind, Organisation, User
from accounts.notify import owe_notice
from billing.gateway import expire_checkout
from billing.invoicing.close_final import close_final
from billing.models import (
    Refund,
    StaffPayment,
    TopUp,
    TransferAnnouncement,
    TransferState,
)
from billing.recharging.auto_recharge import switch_off_auto_recharge
from billing.refusals import ClosingMustWait, PaymentsUnavailable
from billing.reversing.open_disputes import disputed_payments
from billing.reversing.refund import ask_refund, finish_refund, refundable
from billing.reversing.refund_staff_payment import (
    ask_staff_refund,
    refundable_staff_payment,
)
from billing.transfers.announce_transfer import cancel_transfer
from calling.cancel import cancel_subscription
from credits.draft import WalletDraft
from credits.lock import lock_wallet
from credits.lots import read_live_lots
from credits.models import EntryKind, Wallet
from credits.money import Micros, amount_text
from credits.post import post_drafts

logger = logging.getLogger(__name__)
REASON = "The organisation was closed."


@dataclass(frozen=True)
class Closing:
    """What closing would do, or did; amounts in micros of the organisation's currency.

    `by_card` and `by_transfer` are credit, which goes back with its share of tax.
    """

    by_card: Micros
    by_transfer: Micros
    forfeited: Micros
    debt: Micros
    obstacle: str | Promise = ""

    @property
    def refunded(self) -> Micros:
        return self.by_card + self.by_transfer


def preview_closing(organisation: Organisation, at: datetime) -> Closing:
    """What would happen now, and what stands in its way."""
    wallet = Wallet.objects.get(pk=organisation.pk)
    by_card = sum(refundable(sale, at) for sale in _card_sales(organisation))
    by_transfer = sum(
        refundable_staff_payment(sale, at) for sale in _transfers(organisation)
    )
    lots = read_live_lots([organisation.pk], at=at)[organisation.pk]
    spendable = sum(lot.remaining for lot in lots if lot.is_spendable(at))
    rest = spendable - by_card - by_transfer
    return Closing(by_card, by_transfer, rest, wallet.debt, _obstacle(wallet))


def close_organisation(
    organisation: Organisation, *, actor: User, at: datetime, reason: str = REASON
) -> Organisation:
    """The organisation, closed; raises ClosingMustWait while something is under way."""
    with transaction.atomic():
        wallet = lock_wallet(organisation.pk)
        found = Organisation.objects.select_for_update().get(pk=organisation.pk)
        if found.closed_at is not None:
            return found
        if obstacle := _obstacle(wallet):
            raise ClosingMustWait(obstacle)
        closing = preview_closing(found, at)
        refunds = _refund_all(found, actor=actor, reason=reason, at=at)
        _forfeit_rest(found, actor=actor, at=at)
        _shut_doors(found, actor=actor, reason=reason, at=at)
        close_final(found, actor=actor, at=at)
        found.closed_at = at
        found.save(update_fields=["closed_at"])
        _tell(found, closing, actor=actor, reason=reason, at=at)
    _ask_stripe(found, refunds, at=at)
    return found


def _obstacle(wallet: Wallet) -> str | Promise:
    if wallet.live_calls:
        return _("Calls are running. Close once they have ended.")
    if wallet.incoming:
        return _("A payment is being checked. Close once it is decided.")
    if disputed_payments(wallet.organisation_id):
        return _("A payment is disputed at its bank. Close once that is decided.")
    return ""


def _card_sales(organisation: Organisation) -> list[TopUp]:
    paid = TopUp.objects.paid().filter(organisation=organisation)
    return list(paid.order_by("pk"))


def _transfers(organisation: Organisation) -> list[StaffPayment]:
    return list(StaffPayment.objects.filter(organisation=organisation).order_by("pk"))


def _refund_all(
    organisation: Organisation, *, actor: User, reason: str, at: datetime
) -> list[Refund]:
    refunds = []
    for sale in _card_sales(organisation):
        if credit := refundable(sale, at):
            key = f"close:{sale.reference}"
            refunds.append(
                ask_refund(
                    sale, credit, client_key=key, reason=reason, actor=actor, at=at
                )
            )
    for payment in _transfers(organisation):
        if credit := refundable_staff_payment(payment, at):
            key = f"close:{payment.reference}"
            ask_staff_refund(
                payment, credit, client_key=key, reason=reason, actor=actor, at=at
            )
    return refunds


def _forfeit_rest(organisation: Organisation, *, actor: User, at: datetime) -> None:
    wallet = lock_wallet(organisation.pk)
    lots = read_live_lots([organisation.pk], at=at)[organisation.pk]
    draft = WalletDraft(wallet, lots, at=at)
    for lot in lots:
        if lot.is_spendable(at):
            reference = f"close:{organisation.pk}"
            draft.add(
                EntryKind.ADJUST.value,
                lot,
                -lot.remaining,
                reference,
                at,
                note=REASON,
                actor_id=actor.pk,
            )
    post_drafts({organisation.pk: wallet}, [draft], at=at)


def _shut_doors(
    organisation: Organisation, *, actor: User, reason: str, at: datetime
) -> None:
    switch_off_auto_recharge(organisation, actor=actor, reason=reason, at=at)
    awaited = TransferAnnouncement.objects.filter(
        organisation=organisation, state=TransferState.ANNOUNCED
    )
    for transfer in awaited:
        cancel_transfer(transfer, actor=actor, at=at)
    for subscription in organisation.subscriptions.filter(ends_at=None):
        cancel_subscription(subscription, actor=actor, reason=reason, at=at)
    for key in organisation.api_keys.filter(revoked_at=None):
        revoke_key(key, actor=actor, reason=reason, at=at)


def _tell(
    organisation: Organisation,
    closing: Closing,
    *,
    actor: User,
    reason: str,
    at: datetime,
) -> None:
    record_audit(
        "close_organisation",
        at=at,
        organisation=organisation,
        actor=actor,
        reason=reason,
        after={
            "refunded": amount_text(closing.refunded),
            "forfeited": amount_text(closing.forfeited),
            "debt": amount_text(closing.debt),
        },
    )
    owe_notice(
        NoticeKind.ORGANISATION_CLOSED,
        organisation=organisation,
        episode=f"closed:{organisation.pk}",
        context={
            "refunded": closing.refunded,
            "forfeited": closing.forfeited,
            "currency": organisation.currency,
            "closed_at": at.isoformat(),
            "path": reverse("credits"),
        },
        at=at,
    )


def _ask_stripe(
    organisation: Organisation, refunds: list[Refund], *, at: datetime
) -> None:
    """Sends the refunds and closes open payment pages, as far as Stripe answers."""
    pages = TopUp.objects.still_open().filter(organisation=organisation)
    try:
        for refund in refunds:
            finish_refund(refund.pk, at=at)
        for page in pages.exclude(stripe_session_id=""):
            expire_checkout(page.stripe_session_id)
    except PaymentsUnavailable:
        logger.warning("%s was closed; Stripe is asked again later", organisation.slug)
