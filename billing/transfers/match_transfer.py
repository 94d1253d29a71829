"""Staff match an announced transfer with the money that arrived (rule 4.6).

One transaction, wallet first: the payment, its lot, its receipt and the end of the
announcement. What arrived is what is credited; where that is not what was announced,
staff say why. The sale began with the announcement, so it is delivered although the
organisation has moved to NCE meanwhile (rule 2.2); then at most what was announced is.
"""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from billing.models import StaffPayment, TransferAnnouncement, TransferState
from billing.reasons import SHORTEST
from billing.refusals import TransferOver
from billing.staff_payment import record_staff_payment
from credits.lock import lock_wallet
from credits.money import Micros


def match_transfer(
    transfer: TransferAnnouncement,
    amount: Micros,
    *,
    bank_reference: str,
    recorded_by: User,
    note: str,
    at: datetime,
    difference: str = "",
) -> StaffPayment:
    """The payment with its lot; `difference` says why another amount arrived.

    Raises TransferOver when somebody was quicker, CreditsNotForSale where more arrived
    after a move, and a ValidationError that names what cannot be recorded.
    """
    with transaction.atomic():
        lock_wallet(transfer.organisation_id)
        transfer = TransferAnnouncement.objects.select_for_update().get(pk=transfer.pk)
        if not transfer.is_open:
            raise TransferOver
        check_difference(transfer, amount, difference)
        payment = record_staff_payment(
            transfer.organisation,
            amount,
            bank_reference=bank_reference,
            recorded_by=recorded_by,
            note=_explained(transfer, amount, note, difference),
            purchase_order=transfer.purchase_order,
            announcement=transfer,
            at=at,
        )
        transfer.state = TransferState.MATCHED
        transfer.ended_at = at
        transfer.save(update_fields=["state", "ended_at"])
    return payment


def check_difference(
    transfer: TransferAnnouncement, amount: Micros, difference: str
) -> None:
    """Refuses another amount than was announced unless it is explained."""
    if amount != transfer.amount_micros and len(difference.strip()) < SHORTEST:
        raise ValidationError(
            {
                "difference": ValidationError(
                    _("Another amount arrived than was announced: say why."),
                    "difference_not_explained",
                )
            }
        )


def _explained(
    transfer: TransferAnnouncement, amount: Micros, note: str, difference: str
) -> str:
    if amount == transfer.amount_micros:
        return note
    return f"{note}\n{transfer.amount} was announced: {difference.strip()}"
