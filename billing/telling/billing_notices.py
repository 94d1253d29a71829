"""Notices about being billed: late invoices, a paused service, the month after use.

Pure: everything they need is handed in.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Organisation, ProviderSettings, SuspendedBecause
from billing.models import Invoice
from billing.telling.service_notice import ServiceNotice, payment_problem
from calling.postpaid import PostpaidMonth
from credits.display import date_text, gap, money_text
from credits.statement import Balance


def suspended_notices(
    organisation: Organisation, provider: ProviderSettings | None
) -> Iterator[ServiceNotice]:
    """Why no call goes through, and that emergency calls do."""
    if organisation.suspended_at is None or provider is None:
        return
    on = organisation.local_day(organisation.suspended_at)
    because = {
        SuspendedBecause.DUNNING: _("An invoice was not paid."),
        SuspendedBecause.FRAUD: _("Calls looked like fraud."),
        SuspendedBecause.REQUEST: _("You asked for it."),
    }.get(organisation.suspended_because, "")  # type: ignore[call-overload]  # any text
    body = _(
        "Since %(day)s no call goes out or comes in but emergency calls, which still "
        "work. %(because)s"
    ) % {"day": date_text(on, "long"), "because": because}
    is_late = organisation.suspended_because == SuspendedBecause.DUNNING
    yield ServiceNotice(
        "bad",
        "stop",
        _("Service paused"),
        _("Service paused by %(provider)s.") % {"provider": provider.name},
        body.strip(),
        _("Pay invoice") if is_late else _("Contact"),
        reverse("invoices") if is_late else reverse("help"),
    )


def late_notices(
    organisation: Organisation,
    late: Sequence[Invoice],
    provider: ProviderSettings | None,
    *,
    today: date,
) -> Iterator[ServiceNotice]:
    """The invoice that is late the longest; what stops when, and what lifts it."""
    if not late or provider is None or late[0].due_on is None:
        return
    invoice, due_on = late[0], late[0].due_on
    days = (today - due_on).days
    facts = {"number": invoice.number, "days": days}
    headline = ngettext(
        "Invoice %(number)s is %(days)d day late.",
        "Invoice %(number)s is %(days)d days late.",
        days,
    )
    is_restricted = organisation.restricted_at is not None
    yield ServiceNotice(
        "bad",
        "stop" if is_restricted else "warning",
        _("Paid calls stopped") if is_restricted else payment_problem(),
        headline % facts,
        _what_stops(provider, due_on, is_restricted=is_restricted),
        _("Pay invoice"),
        reverse("invoice", args=[invoice.pk]),
    )


def _what_stops(
    provider: ProviderSettings, due_on: date, *, is_restricted: bool
) -> str:
    days = {
        "paid": date_text(
            due_on + timedelta(days=provider.restrict_after_days), "month_day"
        ),
        "all": date_text(
            due_on + timedelta(days=provider.suspend_after_days), "month_day"
        ),
    }
    if is_restricted:
        sentence = _(
            "Paid calls are stopped since %(paid)s; the service is paused on %(all)s. "
            "Emergency calls always work. All of it is lifted at once when it is paid."
        )
    else:
        sentence = _(
            "Paid calls stop on %(paid)s, the service is paused on %(all)s; emergency "
            "calls never stop. All of it is lifted at once when it is paid."
        )
    return sentence % days


def post_paid_notice(month: PostpaidMonth, balance: Balance) -> ServiceNotice:
    """How it is billed, what is left, when the invoice comes, and up to which limit."""
    spending, currency = month.spending, balance.currency
    invoice = _("The invoice for %(month)s comes about %(day)s.") % {
        "month": date_text(spending.month, "month"),
        "day": date_text(month.invoiced_on, "month_day"),
    }
    said = [invoice]
    if balance.balance > 0:
        left = money_text(balance.balance, currency)
        sentence = _("What is left of your credits, %(amount)s, is spent first.")
        said.insert(0, sentence % {"amount": left})
    if spending.limit is not None:
        sentence = _("Spending limit: %(amount)s a month.")
        said.append(sentence % {"amount": money_text(spending.limit, currency)})
    action = _("Set a limit") if spending.limit is None else _("Change limit")
    is_stopped = spending.is_reached and spending.is_hard
    if is_stopped:
        return ServiceNotice(
            "bad",
            "stop",
            _("Paid calls stopped"),
            _("The spending limit of this month is reached."),
            _(
                "New paid calls stop until the month is over or the limit is raised. "
                "Calls covered by a plan and emergency calls still work."
            ),
            action,
            reverse("spending_limit"),
        )
    return ServiceNotice(
        "info",
        "info",
        _("Post-paid"),
        _("You are billed each month after use."),
        gap().join(said),
        action,
        reverse("spending_limit"),
    )
