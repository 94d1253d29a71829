"""A customer announces a bank transfer, and may cancel it until it arrives (rule 4.6).

An announcement is judged like a purchase by card: same rule 2.1, same limits, same
client key for the same order. It is no credit and counts as nothing; staff match it
with what arrived (`match_transfer`). Both verbs lock the wallet first.
"""

import secrets
from datetime import datetime

from django.db import transaction

from accounts.audit import record_audit
from accounts.models import NoticeKind, Organisation, User
from accounts.notify import owe_notice
from billing.amount_limits import check_amount, check_room, terms_of
from billing.models import TransferAnnouncement, TransferState
from billing.models.fields import sold_money
from billing.refusals import ClientKeyReused, TransferOver, judge_sale, selling
from credits.lock import lock_wallet
from credits.money import Micros

# Read aloud and typed at a bank: no letter or digit that looks like another.
LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def announce_transfer(
    organisation: Organisation,
    amount: Micros,
    *,
    client_key: str,
    actor: User,
    at: datetime,
    purchase_order: str = "",
    ip: str | None = None,
) -> TransferAnnouncement:
    """The announcement with its reference; the same client key gives the first again.

    Raises CreditsNotForSale, a ValidationError beyond the limits, and ClientKeyReused
    where the key was used for another amount.
    """
    with selling(), transaction.atomic():
        wallet = lock_wallet(organisation.pk)
        mine = TransferAnnouncement.objects.filter(organisation=organisation)
        transfer = mine.filter(client_key=client_key).first()
        if transfer is None:
            transfer = TransferAnnouncement(
                # Read again: the mode of the row at hand may be old.
                organisation=Organisation.objects.get(pk=organisation.pk),
                reference=_new_reference(),
                amount=sold_money(amount, wallet.currency),
                purchase_order=purchase_order,
                client_key=client_key,
                announced_by=actor,
                announced_at=at,
            )
            judge_sale(transfer)
            terms = terms_of(wallet.currency)
            check_amount(amount, terms)
            check_room(amount, wallet, terms, at=at)
            transfer.full_clean()
            transfer.save()
            _tell_announced(transfer, actor=actor, ip=ip, at=at)
    if transfer.amount_micros != amount:
        raise ClientKeyReused
    return transfer


def cancel_transfer(
    transfer: TransferAnnouncement, *, actor: User, at: datetime, ip: str | None = None
) -> TransferAnnouncement:
    """The announcement, taken back; TransferOver once its money has arrived."""
    with transaction.atomic():
        lock_wallet(transfer.organisation_id)
        transfer = TransferAnnouncement.objects.select_for_update().get(pk=transfer.pk)
        if transfer.state == TransferState.CANCELLED:
            return transfer
        if not transfer.is_open:
            raise TransferOver
        transfer.state = TransferState.CANCELLED
        transfer.ended_at = at
        transfer.save(update_fields=["state", "ended_at"])
        record_audit(
            "cancel_transfer",
            at=at,
            organisation=transfer.organisation,
            actor=actor,
            object=f"transfer:{transfer.reference}",
            ip=ip,
        )
    return transfer


def _new_reference() -> str:
    letters = "".join(secrets.choice(LETTERS) for _ in range(8))
    return f"CR-{letters[:4]}-{letters[4:]}"


def _tell_announced(
    transfer: TransferAnnouncement, *, actor: User, ip: str | None, at: datetime
) -> None:
    record_audit(
        "announce_transfer",
        at=at,
        organisation=transfer.organisation,
        actor=actor,
        object=f"transfer:{transfer.reference}",
        after={
            "amount": str(transfer.amount),
            "billing_mode": transfer.billing_mode,
        },
        ip=ip,
    )
    owe_notice(
        NoticeKind.TRANSFER_ANNOUNCED,
        organisation=transfer.organisation,
        episode=f"transfer:{transfer.reference}",
        context={
            "amount": transfer.amount_micros,
            "currency": transfer.currency,
            "reference": transfer.reference,
            "path": transfer.get_absolute_url(),
        },
        at=at,
    )
