"""Why a recharge was not made, and how auto-recharge stands, in a sentence each.

Every code that is written down anywhere has its sentence here (rules 5.4 and 5.7); the
reasons of banks are in `decline_reasons`.
"""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SKIPPED: dict[str, Promise] = {
    "too_soon": _("The recharge before it was less than a minute earlier."),
    "hour_limit": _("Three recharges were made within an hour, the most allowed."),
    "day_limit": _("Six recharges were made within a day, the most allowed."),
    "month_limit": _("The monthly limit would have been exceeded."),
    "not_used": _("No paid call was made in the last 30 days."),
    "card_paused": _("The card is paused after it was declined."),
    "stopped_by_staff": _("The provider has stopped auto-recharge here."),
    "all_stopped": _("The provider has stopped all auto-recharge."),
    "above_maximum_balance": _("The balance would have grown above the largest."),
    "organisation_suspended": _("The service is paused by the provider."),
}
ENDED: dict[str, Promise] = {
    "card_changed": _("Another card was chosen before it was charged."),
    "switched_off": _("Auto-recharge was switched off before it was charged."),
    "topped_up": _("Funds came in before it was charged."),
    "moved_to_nce": _("The organisation moved to NCE before it was charged."),
    "given_up": _("The provider found that nothing was charged."),
    **SKIPPED,
}
PAUSED: dict[str, Promise] = {
    "disputed": _("A payment with this card is disputed at its bank."),
    "card_gone": _("The card is no longer kept at the payment service."),
}


def skipped_sentence(code: str) -> str:
    """Why a recharge was skipped or ended before it was charged."""
    return str(ENDED.get(code, code))
