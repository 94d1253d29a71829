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


class RechargeIsOff(BillingError):
    """There is no auto-recharge to stop, allow or approve anything of (rule 5.1)."""

    code = "recharge_is_off"
    sentence = _("Auto-recharge is off.")


def judge_sale(sale: PrepaidOnly) -> None:
    """Asks the constraint of rule 2.1 alone, before anything else is judged."""
    sale.take_billing_mode()
    for constraint in sale._meta.constraints:
        if getattr(constraint, "violation_error_code", "") == NOT_FOR_SALE:
            constraint.validate(type(sale), sale)


@contextmanager
def selling() -> Iterator[None]:
    """Within, a refusal of rule 2.1 by constraint or fence is CreditsNotForSale."""
    try:
        yield
    except ValidationError as error:
        if NOT_FOR_SALE in codes_of(error):
            raise CreditsNotForSale from error
        raise
    except IntegrityError as error:
        if fence_code(error) == NOT_FOR_SALE:
            raise CreditsNotForSale from error
        raise


def codes_of(error: ValidationError) -> set[str]:
    """The codes of every problem in a ValidationError, nested ones included."""
    if hasattr(error, "error_dict"):
        problems = [one for many in error.error_dict.values() for one in many]
    else:
        problems = error.error_list
    return {problem.code or "" for problem in problems}
