"""What closing a month and crediting an invoice refuse, each with its sentence."""

from django.utils.translation import gettext_lazy as _

from billing.refusals import BillingError


class MonthNotOver(BillingError):
    """A month is closed once it is over where the organisation is (rule 10.1)."""

    code = "month_not_over"
    sentence = _("This month is not over yet where the organisation is.")


class NotADraft(BillingError):
    """An issued invoice never changes; what was wrong is credited (rule 10.2)."""

    code = "not_a_draft"
    sentence = _("An issued invoice never changes; make a credit note.")


class NothingToCredit(BillingError):
    """A credit note takes back what is left of an issued invoice (rule 10.2)."""

    code = "nothing_to_credit"
    sentence = _("There is nothing left to credit on this invoice.")


class LineNotCreditable(BillingError):
    """A line is taken back once, and tax only along with its lines (rule 10.2)."""

    code = "line_not_creditable"
    sentence = _("Choose lines of this invoice that were not credited before.")


class MoreThanTheInvoice(BillingError):
    """Goodwill lowers an invoice to nothing at most."""

    code = "more_than_the_invoice"
    sentence = _("Goodwill is more than nothing and at most what the invoice bills.")
