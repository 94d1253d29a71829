"""The text a customer agrees to before anything is charged by itself (rule 5.1).

Kept word for word, in the language it was read in, beside its version: whoever changes
what it promises gives it the next version.
"""

from django.utils.translation import gettext as _

from billing.recharging.recharge_settings import RechargeSettings
from credits.display import gap, money_text

TEXT_VERSION = "1"


def consent_text(settings: RechargeSettings, currency: str) -> str:
    """The whole text, in the language that is active."""

    def money(micros: int) -> str:
        return money_text(micros, currency)

    facts = {
        "trigger": money(settings.trigger),
        "amount": money(settings.amount),
        "limit": money(settings.monthly_limit),
        "card": settings.payment_method.title,
        "backup": settings.backup.title if settings.backup else "",
    }
    sentences = [
        _(
            "I agree that %(card)s is charged %(amount)s, and any tax on it, each time "
            "the available balance falls below %(trigger)s, without being asked again."
        ),
        _("No more than %(limit)s of credit is bought this way in a calendar month."),
    ]
    if settings.catches_up:
        sentences.append(
            _(
                "Where one amount is not enough, the smallest multiple of it that is, "
                "is charged at once."
            )
        )
    if settings.backup:
        sentences.append(
            _("If the card is refused for good, %(backup)s is charged instead.")
        )
    sentences.append(
        _("I can switch this off at any time; what was charged before stays charged.")
    )
    return gap().join(sentence % facts for sentence in sentences)
