"""Staff adjust: lower what a lot has left, or forgive debt (rule 3.9).

One row at a time, and with two people: the first says how much and why, the second sees
before and after and confirms. Imported by the pages about lots and wallets.
"""

import secrets
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import signed_in
from accounts.ask_reason import ReasonForm, ask_form
from accounts.read_only_admin import ReadOnlyAdmin
from accounts.refusals import TollgateError
from credits.adjust import lowerable
from credits.ask_adjustment import (
    MAY_ADJUST,
    Request,
    Subject,
    ask_adjustment,
    confirm_adjustment,
    find_request,
)
from credits.display import exact_text
from credits.models import Lot, Wallet
from credits.money import Micros, parse_exact, to_decimal


class AmountForm(ReasonForm):
    """How much, to the last millionth, and why."""

    amount = forms.CharField(label=gettext_lazy("Amount"), max_length=40)
    field_order = ("amount", "reason")

    def __init__(self, data: Any, *, currency: str, most: Micros) -> None:
        start = f"{to_decimal(most).normalize():f}"
        super().__init__(data, initial={"amount": start})
        self.fields["amount"].help_text = _("At most %(most)s.") % {
            "most": exact_text(most, currency)
        }

    def clean_amount(self) -> Micros:
        return parse_exact(self.cleaned_data["amount"])


class AskForm(AmountForm):
    """The same with a token, which makes a second click the same request."""

    once = forms.CharField(
        widget=forms.HiddenInput, max_length=60, initial=secrets.token_urlsafe
    )


class ConfirmForm(ReasonForm):
    """What the second person agrees to; `asked` names the request that was shown."""

    asked = forms.CharField(widget=forms.HiddenInput, max_length=100)


class AdjustsRows(ReadOnlyAdmin):
    """A list with an adjustment of its rows among its actions."""

    def has_adjust_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm(MAY_ADJUST)

    def adjust(
        self,
        request: HttpRequest,
        rows: "QuerySet[Any]",
        *,
        action: str,
        title: str | Promise,
    ) -> HttpResponse | None:
        """The page of the step that is due; None once it is done or refused."""
        chosen = list(rows[:2])
        if len(chosen) != 1:
            one = _("Choose one row: each adjustment has its own reason.")
            self.message_user(request, one, messages.ERROR)
            return None
        asked = find_request(chosen[0], timezone.now())
        if asked is not None or "asked" in request.POST:
            return self._confirm(request, rows, asked, action=action, title=title)
        return self._ask(request, rows, action=action, title=title)

    def _ask(
        self,
        request: HttpRequest,
        rows: "QuerySet[Any]",
        *,
        action: str,
        title: str | Promise,
    ) -> HttpResponse | None:
        subject: Subject = rows[0]
        most = _most(subject)
        form = ask_form(
            request,
            self,
            rows,
            lambda data: AskForm(data, currency=subject.currency, most=most),
            action=action,
            title=title,
            effect=_effect(subject, most),
        )
        if not isinstance(form, AskForm):
            return form
        try:
            is_done = ask_adjustment(
                subject,
                form.cleaned_data["amount"],
                token=form.cleaned_data["once"],
                reason=form.cleaned_data["reason"],
                actor=signed_in(request),
                at=timezone.now(),
            )
        except TollgateError as refused:
            self.message_user(request, f"{subject}: {refused}", messages.ERROR)
            return None
        self.log_change(request, subject, f"{action}: {form.data['amount']}")
        waits = _("%(row)s: somebody else has to confirm it within 24 hours.")
        told = _("%(row)s: done.") if is_done else waits
        self.message_user(request, told % {"row": subject}, messages.SUCCESS)
        return None

    def _confirm(
        self,
        request: HttpRequest,
        rows: "QuerySet[Any]",
        asked: Request | None,
        *,
        action: str,
        title: str | Promise,
    ) -> HttpResponse | None:
        subject: Subject = rows[0]
        start = {"reason": asked.reason, "asked": asked.reference} if asked else {}
        form = ask_form(
            request,
            self,
            rows,
            lambda data: ConfirmForm(data, initial=start),
            action=action,
            title=title,
            effect=_before_and_after(subject, asked) if asked else "",
        )
        if not isinstance(form, ConfirmForm):
            return form
        try:
            confirm_adjustment(
                subject,
                form.cleaned_data["asked"],
                reason=form.cleaned_data["reason"],
                actor=signed_in(request),
                at=timezone.now(),
            )
        except TollgateError as refused:
            self.message_user(request, f"{subject}: {refused}", messages.ERROR)
        else:
            self.log_change(request, subject, f"{action}: confirmed")
            told = _("%(row)s: done.") % {"row": subject}
            self.message_user(request, told, messages.SUCCESS)
        return None


class LowersLots(AdjustsRows):
    @admin.action(
        description=gettext_lazy("Lower what is left"), permissions=["adjust"]
    )
    def lower(self, request: HttpRequest, lots: "QuerySet[Lot]") -> HttpResponse | None:
        title = gettext_lazy("Lower what a lot has left")
        return self.adjust(request, lots, action="lower", title=title)


class ForgivesDebt(AdjustsRows):
    @admin.action(description=gettext_lazy("Forgive debt"), permissions=["adjust"])
    def forgive(
        self, request: HttpRequest, wallets: "QuerySet[Wallet]"
    ) -> HttpResponse | None:
        title = gettext_lazy("Forgive debt")
        return self.adjust(request, wallets, action="forgive", title=title)


def _most(subject: Subject) -> Micros:
    if isinstance(subject, Lot):
        wallet = Wallet.objects.get(pk=subject.organisation_id)
        return lowerable(wallet, subject, at=timezone.now())
    return subject.debt


def _effect(subject: Subject, most: Micros) -> str:
    text = exact_text(most, subject.currency)
    if isinstance(subject, Lot):
        told = _(
            "The amount leaves this lot and the balance. No live call needs %(most)s "
            "of it. A second person confirms it, as long as there is one."
        )
    else:
        told = _(
            "The organisation owes %(most)s; what is forgiven is never asked for. A "
            "second person confirms it, as long as there is one."
        )
    return told % {"most": text}


def _before_and_after(subject: Subject, asked: Request) -> str:
    """What was asked for, and the figure it changes."""
    if isinstance(subject, Lot):
        before = subject.remaining
        told = _(
            "%(name)s asks to take %(amount)s: %(before)s left now, "
            "%(after)s afterwards."
        )
    else:
        before = subject.debt
        told = _(
            "%(name)s asks to forgive %(amount)s: %(before)s owed now, "
            "%(after)s afterwards."
        )
    return told % {
        "name": asked.asked_by.get_full_name(),
        "amount": exact_text(asked.amount, subject.currency),
        "before": exact_text(before, subject.currency),
        "after": exact_text(before - asked.amount, subject.currency),
    }
