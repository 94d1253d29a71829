"""What a page says about auto-recharge and disputes above everything else.

Pure: made from the status of `recharge_state` (rule 5.7). A recharge that failed is
more urgent than one that waits for approval, and that than a limit that is reached.
"""

from collections.abc import Iterator
from datetime import date, datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Organisation
from billing.decline_reasons import decline_reason
from billing.models import TopUp
from billing.recharging.recharge_card import BY_PROVIDER, moment_text
from billing.recharging.recharge_state import RechargeState, RechargeStatus
from billing.recharging.recharge_words import PAUSED, SKIPPED
from billing.telling.service_notice import ServiceNotice, payment_problem
from credits.display import date_text, money_text


def recharge_notices(
    organisation: Organisation,
    status: RechargeStatus,
    *,
    declined_at: datetime | None,
    runs_out_on: date | None,
    at: datetime,
) -> Iterator[ServiceNotice]:
    """At most one: what keeps the balance from being filled, and what helps."""
    if status.state == RechargeState.COOLING:
        yield _declined(organisation, status, declined_at, runs_out_on, at)
    elif status.state == RechargeState.SUSPENDED:
        yield _paused(status, runs_out_on)
    elif status.state == RechargeState.ACTION_REQUIRED and status.attempt:
        yield _approval(organisation, status.attempt.top_up)
    elif status.state == RechargeState.CAPPED:
        yield _capped(organisation, status, at)


def _declined(
    organisation: Organisation,
    status: RechargeStatus,
    declined_at: datetime | None,
    runs_out_on: date | None,
    at: datetime,
) -> ServiceNotice:
    card = status.card.title if status.card else ""
    headline = _("%(card)s was declined.") % {"card": card}
    if declined_at is not None:
        time = moment_text(declined_at, organisation, at)
        headline = _("%(card)s was declined at %(time)s.") % {
            "card": card,
            "time": time,
        }
    body = decline_reason(status.code)
    if status.next_at is not None:
        body = _("%(reason)s Next try: %(time)s.") % {
            "reason": body,
            "time": moment_text(status.next_at, organisation, at),
        }
    return _problem(headline, _with_end(body, runs_out_on))


def _paused(status: RechargeStatus, runs_out_on: date | None) -> ServiceNotice:
    if status.code in BY_PROVIDER:
        return ServiceNotice(
            "bad",
            "stop",
            payment_problem(),
            _("Auto-recharge is stopped."),
            _with_end(str(SKIPPED[status.code]), runs_out_on),
            _("Contact"),
            reverse("help"),
        )
    why = PAUSED.get(status.code) or decline_reason(status.code)
    body = _("%(reason)s Nothing is added until another card is chosen.") % {
        "reason": str(why)
    }
    return _problem(_("Auto-recharge is paused."), _with_end(body, runs_out_on))


def _problem(headline: str, body: str) -> ServiceNotice:
    return ServiceNotice(
        "bad",
        "stop",
        payment_problem(),
        headline,
        body,
        _("Update card"),
        reverse("add_card") + "?instead=1",
        for_buyers=True,
    )


def _with_end(body: str, runs_out_on: date | None) -> str:
    if runs_out_on is None:
        return body
    return _("%(sentence)s At this pace the balance lasts until about %(day)s.") % {
        "sentence": body,
        "day": date_text(runs_out_on, "month_day"),
    }


def _approval(organisation: Organisation, top_up: TopUp) -> ServiceNotice:
    amount = money_text(top_up.total_micros, top_up.currency)
    return ServiceNotice(
        "warn",
        "clock",
        _("Waiting for approval"),
        _("Your bank wants you to approve %(amount)s.") % {"amount": amount},
        _("The link was mailed to %(email)s. The funds are added once approved.")
        % {"email": organisation.billing_email},
        _("Approve payment"),
        top_up.get_absolute_url(),
        for_buyers=True,
    )


def _capped(
    organisation: Organisation, status: RechargeStatus, at: datetime
) -> ServiceNotice:
    reached = {
        "hour_limit": _("Recharge limit for this hour reached."),
        "day_limit": _("Recharge limit for today reached."),
    }
    month = date_text(organisation.local_day(at), "month")
    headline = reached.get(
        status.code, _("Recharge limit for %(month)s reached.") % {"month": month}
    )
    until = moment_text(status.next_at, organisation, at) if status.next_at else ""
    body = _(
        "%(amount)s is available. Nothing more is added by itself until %(time)s."
    ) % {
        "amount": money_text(status.available, status.currency),
        "time": until,
    }
    return ServiceNotice(
        "warn",
        "clock",
        _("Running low"),
        headline,
        body,
        _("Raise limit") if status.code == "month_limit" else _("Add funds"),
        reverse(
            "auto_recharge_settings" if status.code == "month_limit" else "add_funds"
        ),
        for_buyers=True,
    )


def dispute_notice(top_up: TopUp) -> ServiceNotice:
    amount = money_text(top_up.total_micros, top_up.currency)
    return ServiceNotice(
        "bad",
        "stop",
        payment_problem(),
        _("Payment of %(amount)s is disputed.") % {"amount": amount},
        _(
            "The bank of the card has taken it back, and the balance is lower by it "
            "until the dispute ends. Auto-recharge does not use this card meanwhile."
        ),
        _("See payment"),
        top_up.get_absolute_url(),
    )
