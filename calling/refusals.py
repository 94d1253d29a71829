"""Why calling says no, with the code and the sentence that every door shows."""

from django.utils.translation import gettext_lazy as _

from accounts.refusals import TollgateError


class PlanNotOffered(TollgateError):
    """The plan is not sold to this organisation, or not any more."""

    code = "plan_not_offered"
    sentence = _("This plan is not offered to you.")


class AlreadySubscribed(TollgateError):
    """One subscription per plan: its number of licences is changed instead."""

    code = "one_subscription_per_plan"
    sentence = _("You have this plan already. Change its number of licences instead.")


class PlanRequired(TollgateError):
    """The plan needs another one first (rule 1.5)."""

    code = "plan_required"
    sentence = _("%(plan)s needs %(required)s as well.")


class PlanStillNeeded(TollgateError):
    """Another plan that the line or the organisation has needs this one."""

    code = "plan_still_needed"
    sentence = _("%(plan)s is still needed for %(dependent)s.")


class NoTwinPlan(TollgateError):
    """The plan is not in the catalogue of the other billing mode (rule 2.3)."""

    code = "no_twin_plan"
    sentence = _(
        "%(plan)s is not offered in the other billing mode, so nothing was moved. "
        "Write to us, or end this subscription first."
    )


class NotBilledAfterUse(TollgateError):
    """A spending limit is for organisations that are billed after use (rule 10.4)."""

    code = "not_billed_after_use"
    sentence = _("A spending limit is for organisations that are billed after use.")


class PlanNotForCountry(TollgateError):
    """The plan is not sold for the line's usage country."""

    code = "plan_not_for_country"
    sentence = _("%(plan)s is not sold for lines in %(country)s.")


class NoLicenceLeft(TollgateError):
    """Every licence of the subscription is given to a line."""

    code = "no_licence_left"
    sentence = _("All licences of %(plan)s are assigned. Add licences first.")


class LicencesAssigned(TollgateError):
    """There cannot be fewer licences than lines that have one."""

    code = "licences_assigned"
    sentence = _("%(assigned)s licences are assigned to lines. Release some first.")


class ChangedMeanwhile(TollgateError):
    """Somebody else changed the same thing since the page was made."""

    code = "changed_meanwhile"
    sentence = _("Somebody changed this meanwhile. Look at it as it is now.")


class SubscriptionEnded(TollgateError):
    """A subscription that ends cannot be changed."""

    code = "subscription_ended"
    sentence = _("This subscription ends, so it cannot be changed.")


class LineNotInUse(TollgateError):
    """A line that was taken out of use gets nothing new."""

    code = "line_not_in_use"
    sentence = _("This line is not in use.")


class NumberTaken(TollgateError):
    """A number has one owner at any moment; whose it is stays unsaid."""

    code = "number_overlap"
    sentence = _("%(number)s is assigned at that time.")


class HoldNotStuck(TollgateError):
    """Staff release only what should have ended by itself (rule 9.4)."""

    code = "hold_not_stuck"
    sentence = _("The call may still go on, or is over already.")


class CallOfClosedOrganisation(TollgateError):
    """Nobody could spend what goes back (rule 1.8)."""

    code = "call_of_closed_organisation"
    sentence = _("This organisation is closed; its calls are not credited any more.")
