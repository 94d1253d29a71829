"""Why a card was declined, in a sentence; banks often say no more than no."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REASONS: dict[str, Promise] = {
    "insufficient_funds": _("The card has not enough money for this amount."),
    "expired_card": _("The card has expired."),
    "incorrect_cvc": _("The security code is wrong."),
    "invalid_cvc": _("The security code is wrong."),
    "incorrect_number": _("The card number is wrong."),
    "invalid_number": _("The card number is wrong."),
    "invalid_expiry_month": _("The card's expiry date is wrong."),
    "invalid_expiry_year": _("The card's expiry date is wrong."),
    "card_velocity_exceeded": _("The card's limit is reached."),
    "withdrawal_count_limit_exceeded": _("The card's limit is reached."),
    "currency_not_supported": _("The card does not pay in this currency."),
    "card_not_supported": _("The card does not allow this kind of purchase."),
    "authentication_required": _("Your bank wanted you to approve the payment."),
    "payment_intent_authentication_failure": _("The payment was not approved."),
    "processing_error": _("The card could not be processed; the bank may try again."),
}
# Lost, stolen and suspicious cards are not named: the bank tells its customer.
NO_REASON = _("The bank gave no reason; it can tell you more.")


def decline_reason(code: str) -> str:
    return str(REASONS.get(code, NO_REASON))
