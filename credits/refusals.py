"""What the verbs of credit refuse, each with its code and sentence."""

from django.utils.translation import gettext_lazy as _

from accounts.refusals import TollgateError


class CreditRefusal(TollgateError):
    """Base of every refusal of this app."""


class CreditsNotHeld(CreditRefusal):
    """Promotional credit is not given to an organisation that is billed after use."""

    code = "credits_not_held"
    sentence = _(
        "This organisation is on the new commerce experience (NCE) and holds no "
        "credits; goodwill is a negative invoice line."
    )


class ExpiryNotAllowed(CreditRefusal):
    """Promotional credit is valid for 1 to 24 months (rule 3.8)."""

    code = "expiry_not_allowed"
    sentence = _("Promotional credit is valid for 1 to 24 months.")
    status = 422


class ReferenceUsed(CreditRefusal):
    """The same reference came again with other terms."""

    code = "reference_used"
    sentence = _("This reference already stands for something else.")
    status = 422


class MoreThanUnheld(CreditRefusal):
    """An adjustment takes at most what a lot has left and no hold needs (rule 3.9)."""

    code = "more_than_unheld"
    sentence = _("This credit has less left than that, or live calls need it.")
    status = 422


class MoreThanDebt(CreditRefusal):
    """Only what is owed can be forgiven (rule 3.9)."""

    code = "more_than_debt"
    sentence = _("The organisation owes less than that.")
    status = 422


class AlreadyExtended(CreditRefusal):
    """A lot is extended once (rule 3.8)."""

    code = "already_extended"
    sentence = _("This credit was extended before; it is extended once.")


class NothingToExtend(CreditRefusal):
    """The lot is used up, or was posted as expired (rule 3.8)."""

    code = "nothing_to_extend"
    sentence = _("Nothing is left of this credit.")


class ExtensionNotAllowed(CreditRefusal):
    """An extension ends later than before, in the next 24 months (rule 3.8)."""

    code = "extension_not_allowed"
    sentence = _("Choose a later last day, within the next 24 months.")
    status = 422


class CallNotCredited(CreditRefusal):
    """What can go back is what the call took from credit still valid, or still owed."""

    code = "more_than_call_took"
    sentence = _(
        "No more goes back than the call took from credit that is still valid, and "
        "what is still owed for it. Goodwill beyond that is promotional credit."
    )
    status = 422


class CallCreditedBefore(CreditRefusal):
    """A call is credited once (rule 3.9)."""

    code = "call_credited_before"
    sentence = _("This call was credited before; a call is credited once.")


class AskedByYou(CreditRefusal):
    """A second person confirms an adjustment, as long as there is one (rule 3.9)."""

    code = "adjustment_asked_by_you"
    sentence = _("You asked for this adjustment; somebody else has to confirm it.")
    status = 403


class NothingAsked(CreditRefusal):
    """The request was carried out, withdrawn, or is older than a day."""

    code = "no_adjustment_asked"
    sentence = _("This adjustment is done, withdrawn or older than 24 hours.")
