"""What selling refuses, and the one sentence for each.

Nothing here decides that an NCE organisation cannot buy: `PrepaidOnly` and its fences
do. `selling()` only gives whichever of them refused the same code and sentence.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils.translation import gettext_lazy as _

from accounts.refusals import TollgateError, fence_code
from credits.models import PrepaidOnly
from credits.models.prepaid_only import NOT_FOR_SALE, NOT_FOR_SALE_SENTENCE


class BillingError(TollgateError):
    """Base of what billing refuses."""


class CreditsNotForSale(BillingError):
    """The organisation is on NCE and cannot buy credits (rule 2.1)."""

    code = NOT_FOR_SALE
    sentence = NOT_FOR_SALE_SENTENCE


class ClientKeyReused(BillingError):
    """The same client key came with another amount (rule 4.5)."""

    code = "client_key_reused"
    sentence = _("This order was already placed with another amount.")
    status = 422


class StillRunning(BillingError):
    """The first request with this key has not been answered yet (rule 4.5)."""

    code = "still_running"
    sentence = _("This order is being placed right now; wait a moment.")


class PaymentsUnavailable(BillingError):
    """Stripe did not answer; nothing was charged."""

    code = "payments_unavailable"
    sentence = _(
        "The payment service does not answer. Nothing was charged; try again in a "
        "few minutes."
    )
    status = 503


class CardInUse(BillingError):
    """Auto-recharge charges this card, so it cannot be removed (rule 5.1)."""

    code = "card_in_use"
    sentence = _(
        "Auto-recharge charges this card. Choose another card for it, or switch it "
        "off, before you remove this one."
    )


class CardNotChargeable(BillingError):
    """The card cannot be charged while its owner is away."""

    code = "card_not_chargeable"
    sentence = _("This card cannot be charged later. Choose another card, or add one.")


class CardGone(BillingError):
    """Stripe keeps the card no more, so it cannot be charged (rule 5.5)."""

    code = "card_gone"
    sentence = _("This card is no longer kept at the payment service.")


class CardDisputed(BillingError):
    """A payment on the card is disputed; its end resumes the card (rule 4.7)."""

    code = "card_disputed"
    sentence = _(
        "A payment with this card is disputed at its bank; choose another card until "
        "that has ended."
    )


class NothingToApprove(BillingError):
    """The recharge does not wait for its owner, or no longer (rule 5.6)."""

    code = "nothing_to_approve"
    sentence = _("This recharge does not wait for approval.")


class NotLookedForYet(BillingError):
    """The outcome of a recharge may still come to light by itself (rule 5.3)."""

    code = "not_looked_for_yet"
    sentence = _(
        "Tollgate still asks about this payment; it can be given up 23 hours after it "
        "was sent."
    )


class RechargeIsOff(BillingError):
    """There is no auto-recharge to stop, allow or approve anything of (rule 5.1)."""

    code = "recharge_is_off"
    sentence = _("Auto-recharge is off.")


class TransferOver(BillingError):
    """The announced transfer was matched or cancelled before (rule 4.6)."""

    code = "transfer_over"
    sentence = _("This transfer has arrived or was cancelled already.")


class DisputeOpen(BillingError):
    """Nothing is refunded while the payment's bank questions it (rule 4.7)."""

    code = "dispute_open"
    sentence = _("This payment is disputed; it can be refunded once that is decided.")


class MoreThanRefundable(BillingError):
    """A refund takes what is unspent, unexpired and not held (rule 4.7)."""

    code = "more_than_refundable"
    sentence = _(
        "Only credit of this payment that is unspent, has not expired and is not held "
        "by live calls can be refunded."
    )
    status = 422


class InvoiceNotOwed(BillingError):
    """Only an issued invoice that is not settled takes payments (rule 10.2)."""

    code = "invoice_not_owed"
    sentence = _("This invoice is not waiting for a payment.")


class MoreThanOwed(BillingError):
    """Staff record at most what an invoice still asks for (rule 10.2)."""

    code = "more_than_owed"
    sentence = _(
        "This is more than the invoice still asks for. Record that much, and send the "
        "rest back or match it with another invoice."
    )
    status = 422


class ReferenceReused(BillingError):
    """The bank's reference was recorded with another amount or invoice."""

    code = "reference_reused"
    sentence = _("This reference was recorded before, for something else.")


class NotPayableByCard(BillingError):
    """Stripe cannot charge this amount; a bank transfer can pay it."""

    code = "not_payable_by_card"
    sentence = _("This invoice cannot be paid by card; pay it by bank transfer.")


class InvoiceStillLate(BillingError):
    """What dunning stopped goes on once nothing is late any more (rule 10.2)."""

    code = "invoice_still_late"
    sentence = _(
        "An invoice is late. The service resumes by itself once it is paid, void or "
        "written off."
    )


class OrganisationClosed(BillingError):
    """Nothing is sold or given to an organisation that was closed (rule 1.8)."""

    code = "organisation_closed"
    sentence = _("This organisation is closed.")


class ClosingMustWait(BillingError):
    """Something is under way that closing would cut off (rule 1.8)."""

    code = "closing_must_wait"
    sentence = _("This organisation cannot be closed yet.")


class UseNotBilled(BillingError):
    """Going back to prepaid comes after the final post-paid invoice (rule 2.4)."""

    code = "use_not_billed"
    sentence = _(
        "This month has had its final invoice already, and calls were made since. The "
        "organisation can go back to prepaid once the next month is closed."
    )


def judge_sale(sale: PrepaidOnly) -> None:
    """Asks the constraint of rule 2.1 alone, before anything else is judged."""
    sale.take_billing_mode()
    for constraint in sale._meta.constraints:
        if getattr(constraint, "violation_error_code", "") == NOT_FOR_SALE:
            constraint.validate(type(sale), sale)


@contextmanager
def selling() -> Iterator[None]:
    """Within, rule 2.1 refuses as CreditsNotForSale, rule 1.8 as OrganisationClosed."""
    try:
        yield
    except ValidationError as error:
        if NOT_FOR_SALE in codes_of(error):
            raise CreditsNotForSale from error
        raise
    except IntegrityError as error:
        if fence_code(error) == NOT_FOR_SALE:
            raise CreditsNotForSale from error
        if fence_code(error) == OrganisationClosed.code:
            raise OrganisationClosed from error
        raise


def codes_of(error: ValidationError) -> set[str]:
    """The codes of every problem in a ValidationError, nested ones included."""
    if hasattr(error, "error_dict"):
        problems = [one for many in error.error_dict.values() for one in many]
    else:
        problems = error.error_list
    return {problem.code or "" for problem in problems}
