"""Staff give credit in three steps: fill in, look at before and after, confirm.

Only the third step does anything, once: its token is used up. Every organisation has
its own result; one that the rule refuses does not stop the others.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import signed_in
from accounts.models import Organisation, User
from accounts.refusals import TollgateError
from billing.admin_forms import CreditForm, GrantForm, PaymentForm
from billing.models import StaffPayment, StaffPaymentKind
from billing.promotional import grant_promotional_credit
from billing.refusals import judge_sale, selling
from billing.staff_payment import record_staff_payment
from billing.tax_rates import credit_of
from credits.display import money_text
from credits.money import Micros
from credits.refusals import CreditsNotHeld
from credits.statement import read_balance

ROWS_AT_MOST = 100
TEMPLATE = "admin/billing/give_credit.html"


class Step(NamedTuple):
    """Who confirms what, and when."""

    actor: User
    token: str
    at: datetime


@dataclass(frozen=True)
class Gift:
    """One way to give credit, as the admin offers it."""

    name: str
    title: str | Promise
    effect: str | Promise
    form: type[CreditForm]
    judge: Callable[[Organisation], None]
    give: Callable[[Any, Organisation, Step], object]
    # What of an amount becomes credit: all of a gift, a payment less its tax.
    credit_of: Callable[[Organisation, Micros, datetime], Micros]


@dataclass(frozen=True)
class Row:
    """One organisation on the page."""

    organisation: Organisation
    before: str
    after: str
    refusal: str
    fields: Sequence[Any]


def give_credit(
    request: HttpRequest,
    page: "admin.ModelAdmin[Any]",
    organisations: Sequence[Organisation],
    gift: Gift,
) -> HttpResponse | None:
    """The page of the step that is due; None once it is done or refused."""
    if len(organisations) > ROWS_AT_MOST:
        refused = _("Choose at most %(limit)s rows.") % {"limit": ROWS_AT_MOST}
        page.message_user(request, refused, messages.ERROR)
        return None
    step = request.POST.get("step", "")
    form = gift.form(request.POST if step else None, organisations=organisations)
    if not step or not form.is_valid():
        return _page(request, page, gift, form, confirming=False)
    if step != "confirm":
        return _page(request, page, gift, form, confirming=True)
    token = request.session.pop(_once(gift), None)
    if token is None or token != request.POST.get("once"):
        sent = _("This form was sent before; nothing was done again.")
        page.message_user(request, sent, messages.WARNING)
        return None
    given = Step(signed_in(request), token, timezone.now())
    for organisation in organisations:
        _give_one(request, page, gift, form, organisation, given)
    return None


def _give_one(  # noqa: PLR0917  # one line of a loop, split off
    request: HttpRequest,
    page: "admin.ModelAdmin[Any]",
    gift: Gift,
    form: CreditForm,
    organisation: Organisation,
    step: Step,
) -> None:
    amount = money_text(form.amount_for(organisation), organisation.currency)
    try:
        gift.give(form, organisation, step)
    except (TollgateError, ValidationError) as error:
        page.message_user(
            request, f"{organisation}: {_sentence(error)}", messages.ERROR
        )
        return
    page.log_change(request, organisation, f"{gift.name}: {amount}")
    done = _("%(organisation)s: %(amount)s added.") % {
        "organisation": organisation,
        "amount": amount,
    }
    page.message_user(request, done, messages.SUCCESS)


def _page(
    request: HttpRequest,
    page: "admin.ModelAdmin[Any]",
    gift: Gift,
    form: CreditForm,
    *,
    confirming: bool,
) -> HttpResponse:
    once = ""
    if confirming:
        once = request.session[_once(gift)] = secrets.token_urlsafe(16)
    context = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "title": gift.title,
        "effect": gift.effect,
        "action": gift.name,
        "checkbox": ACTION_CHECKBOX_NAME,
        "form": form,
        "rows": [_row(one, gift, form, confirming) for one in form.organisations],
        "shared": form.shared_fields(),
        "confirming": confirming,
        "once": once,
    }
    return TemplateResponse(request, TEMPLATE, context)


def _row(organisation: Organisation, gift: Gift, form: CreditForm, sure: bool) -> Row:  # noqa: FBT001  # which page it is
    balance = read_balance(organisation.pk, timezone.now()).balance
    refusal = ""
    try:
        gift.judge(organisation)
    except TollgateError as error:
        refusal = str(error)

    def text(micros: Micros) -> str:
        return money_text(micros, organisation.currency)

    given = form.amount_for(organisation) if sure else 0
    added = gift.credit_of(organisation, given, timezone.now())
    return Row(
        organisation=organisation,
        before=text(balance),
        after=text(balance if refusal else balance + added),
        refusal=refusal,
        fields=form.row_fields(organisation),
    )


def _sentence(error: TollgateError | ValidationError) -> str:
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    return str(error)


def _once(gift: Gift) -> str:
    return f"{gift.name}_once"


# --- the two gifts --------------------------------------------------------------------


def _may_buy(organisation: Organisation) -> None:
    with selling():
        judge_sale(
            StaffPayment(organisation=organisation, currency=organisation.currency)
        )


def _may_hold(organisation: Organisation) -> None:
    if not organisation.buys_credits:
        raise CreditsNotHeld


def _record(form: PaymentForm, organisation: Organisation, step: Step) -> object:
    return record_staff_payment(
        organisation,
        form.amount_for(organisation),
        bank_reference=form.reference_for(organisation),
        kind=StaffPaymentKind(form.cleaned_data["kind"]),
        purchase_order=form.order_for(organisation),
        recorded_by=step.actor,
        note=form.cleaned_data["reason"],
        at=step.at,
    )


def _whole(_organisation: Organisation, amount: Micros, _at: datetime) -> Micros:
    return amount


def _grant(form: GrantForm, organisation: Organisation, step: Step) -> object:
    return grant_promotional_credit(
        organisation,
        form.amount_for(organisation),
        months=form.cleaned_data["months"],
        reason=form.cleaned_data["reason"],
        actor=step.actor,
        token=f"{step.token}:{organisation.pk}",
        at=step.at,
    )


RECORD_PAYMENT = Gift(
    name="record_payment",
    title=gettext_lazy("Record bank transfers"),
    effect=gettext_lazy(
        "The money has arrived, or an order stands for it; the amount is with tax. The "
        "organisation gets the credit at once; it is valid for twelve months."
    ),
    form=PaymentForm,
    judge=_may_buy,
    give=_record,
    credit_of=credit_of,
)
GRANT_CREDIT = Gift(
    name="grant_credit",
    title=gettext_lazy("Grant promotional credit"),
    effect=gettext_lazy(
        "A gift: it is spent before credit that was paid for, and is never refunded."
    ),
    form=GrantForm,
    judge=_may_hold,
    give=_grant,
    credit_of=_whole,
)
