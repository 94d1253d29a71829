"""Staff credit a call: what it cost goes back to the lots that paid it (rule 3.9)."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import signed_in
from accounts.ask_reason import ask_form
from accounts.read_only_admin import ReadOnlyAdmin
from accounts.refusals import TollgateError
from calling.credit_call import credit_call, creditable_call, judge_organisation
from calling.models import CallRecord
from credits.admin_adjust import AmountForm
from credits.display import exact_text
from credits.money import Micros
from credits.refusals import CallNotCredited
from credits.statement import read_balance

MAY_CREDIT = "calling.change_callrecord"


class CreditsCalls(ReadOnlyAdmin):
    """The list of calls, with the way to credit one."""

    actions = ("credit",)

    def has_credit_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm(MAY_CREDIT)

    @admin.action(description=gettext_lazy("Credit a call"), permissions=["credit"])
    def credit(
        self, request: HttpRequest, calls: "QuerySet[CallRecord]"
    ) -> HttpResponse | None:
        chosen = list(calls.select_related("organisation")[:2])
        if len(chosen) != 1:
            one = _("Choose one call: each has its own amount and reason.")
            self.message_user(request, one, messages.ERROR)
            return None
        call = chosen[0]
        try:
            return self._credit(request, calls, call)
        except TollgateError as refused:
            self.message_user(request, f"{call}: {refused}", messages.ERROR)
            return None

    def _credit(
        self, request: HttpRequest, calls: "QuerySet[CallRecord]", call: CallRecord
    ) -> HttpResponse | None:
        at, currency = timezone.now(), call.organisation.currency
        judge_organisation(call.organisation)
        most = creditable_call(call, at)
        form = ask_form(
            request,
            self,
            calls,
            lambda data: AmountForm(data, currency=currency, most=most),
            action="credit",
            title=gettext_lazy("Credit a call"),
            effect=_effect(call, most),
        )
        if not isinstance(form, AmountForm):
            return form
        amount, actor = form.cleaned_data["amount"], signed_in(request)
        credit_call(
            call, amount, reason=form.cleaned_data["reason"], actor=actor, at=at
        )
        text = exact_text(amount, currency)
        self.log_change(request, call, f"credit: {text}")
        told = _("%(call)s: %(amount)s credited.") % {"call": call, "amount": text}
        self.message_user(request, told, messages.SUCCESS)
        return None


def _effect(call: CallRecord, most: Micros) -> str:
    """What goes where, with the balance before and after all of it."""
    if not most:
        raise CallNotCredited
    currency = call.organisation.currency
    balance = read_balance(call.organisation_id, timezone.now()).balance
    told = _(
        "The money returns to the credit that paid the call, and is valid as long as "
        "that. Once per call. Balance now %(before)s, at most %(after)s afterwards. "
        "The owners are told, with your reason."
    )
    return told % {
        "before": exact_text(balance, currency),
        "after": exact_text(balance + most, currency),
    }
