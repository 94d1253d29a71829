"""How auto-recharge stands, as pages say it: a pill, one sentence, one way to go on.

Pure: made from the status of `recharge_state` alone (rule 5.7).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Organisation
from billing.decline_reasons import decline_reason
from billing.recharging.recharge_state import RechargeState, RechargeStatus
from billing.recharging.recharge_words import PAUSED, SKIPPED
from billing.telling.service_notice import Pill
from credits.display import date_text, money_text, time_text

BY_PROVIDER = {"stopped_by_staff", "all_stopped"}


@dataclass(frozen=True)
class RechargeCard:
    """What the card shows; `share` is how much of the monthly limit is used."""

    status: RechargeStatus
    pill: Pill
    sentence: str
    share: str
    action: str = ""
    url: str = ""


Words = tuple[Pill, str, str, str]


def recharge_card(
    organisation: Organisation, status: RechargeStatus, *, at: datetime
) -> RechargeCard:
    pill, sentence, action, url = WORDS[status.state](organisation, status, at)
    limit = status.monthly_limit
    tenths = min(1_000, 1_000 * status.spent_this_month // limit) if limit else 0
    share = f"{tenths // 10}.{tenths % 10}%"
    return RechargeCard(status, pill, sentence, share, action, url)


def live_sentence(trigger: int, amount: int, limit: int, currency: str) -> str:
    """What was chosen, as one sentence; amounts in micros."""
    return _(
        "When the available balance falls below %(trigger)s we add %(amount)s, at most "
        "%(limit)s a month."
    ) % {
        "trigger": money_text(trigger, currency),
        "amount": money_text(amount, currency),
        "limit": money_text(limit, currency),
    }


def moment_text(moment: datetime, organisation: Organisation, at: datetime) -> str:
    """`15:12` today, with the day on any other, where the organisation is."""
    day, time = organisation.local_day(moment), time_text(moment, organisation.zone)
    if day == organisation.local_day(at):
        return time
    facts = {"day": date_text(day, "month_day"), "time": time}
    return _("%(day)s, %(time)s") % facts


def _off(organisation: Organisation, status: RechargeStatus, at: datetime) -> Words:
    sentence = _(
        "When the balance is used up, paid calls stop until you add funds. "
        "Auto-recharge adds them in time."
    )
    return Pill(_("Off"), ""), sentence, _("Set up auto-recharge"), _settings()


def _armed(organisation: Organisation, status: RechargeStatus, at: datetime) -> Words:
    sentence = live_sentence(
        status.trigger, status.amount, status.monthly_limit, status.currency
    )
    return Pill(_("On"), "good"), sentence, "", ""


def _charging(
    organisation: Organisation, status: RechargeStatus, at: datetime
) -> Words:
    sentence = _(
        "%(amount)s is being charged to %(card)s. The funds are added as soon as the "
        "bank has confirmed."
    ) % {"amount": _total(status), "card": _card(status)}
    url = status.attempt.top_up.get_absolute_url() if status.attempt else ""
    return Pill(_("Being charged"), ""), sentence, _("See payment"), url


def _cooling(organisation: Organisation, status: RechargeStatus, at: datetime) -> Words:
    facts = {"card": _card(status), "reason": decline_reason(status.code)}
    if status.next_at is None:
        sentence = _("%(card)s was declined. %(reason)s") % facts
    else:
        facts["time"] = moment_text(status.next_at, organisation, at)
        sentence = _("%(card)s was declined. %(reason)s Next try: %(time)s.") % facts
    return Pill(_("Payment problem"), "bad"), sentence, _("Update card"), _other_card()


def _action_required(
    organisation: Organisation, status: RechargeStatus, at: datetime
) -> Words:
    sentence = _(
        "Your bank wants you to approve %(amount)s. The funds are added as soon as "
        "you have."
    ) % {"amount": _total(status)}
    pill = Pill(_("Waiting for approval"), "warn")
    if status.attempt is None:
        return pill, sentence, "", ""
    url = status.attempt.top_up.get_absolute_url()
    return pill, sentence, _("Approve payment"), url


def _suspended(
    organisation: Organisation, status: RechargeStatus, at: datetime
) -> Words:
    pill = Pill(_("Paused"), "bad")
    if status.code in BY_PROVIDER:
        sentence = _("%(reason)s Write to us to have it go on.")
        facts = {"reason": str(SKIPPED[status.code])}
        return pill, sentence % facts, _("Contact"), reverse("help")
    facts = {"card": _card(status), "reason": _why_paused(status.code)}
    if status.declines > 1:
        sentence = _(
            "%(card)s was declined %(declines)s times in a row. %(reason)s It goes on "
            "once you have chosen another card or added funds."
        )
        facts["declines"] = str(status.declines)
    else:
        sentence = _(
            "%(card)s is no longer charged. %(reason)s It goes on once you have "
            "chosen another card or added funds."
        )
    return pill, sentence % facts, _("Update card"), _other_card()


def _capped(organisation: Organisation, status: RechargeStatus, at: datetime) -> Words:
    pill = Pill(_("Limit reached"), "warn")
    facts = {
        "limit": money_text(status.monthly_limit, status.currency),
        "spent": money_text(status.spent_this_month, status.currency),
        "reason": str(SKIPPED.get(status.code, "")),
    }
    if status.code == "month_limit":
        ends = status.next_at or at
        facts["day"] = date_text(organisation.local_day(ends), "month_day")
        sentence = _(
            "%(spent)s of %(limit)s was added this month, so another recharge does not "
            "fit. The next is possible from %(day)s."
        )
        return pill, sentence % facts, _("Raise limit"), _settings()
    facts["time"] = moment_text(status.next_at or at, organisation, at)
    sentence = _("%(reason)s The next is possible from %(time)s.")
    return pill, sentence % facts, _("Add funds"), reverse("add_funds")


def _why_paused(code: str) -> str:
    return str(PAUSED[code]) if code in PAUSED else decline_reason(code)


def _total(status: RechargeStatus) -> str:
    if status.attempt is None:
        return money_text(status.amount, status.currency)
    return money_text(status.attempt.top_up.total_micros, status.currency)


def _card(status: RechargeStatus) -> str:
    return status.card.title if status.card else ""


def _settings() -> str:
    return reverse("auto_recharge_settings")


def _other_card() -> str:
    return reverse("add_card") + "?instead=1"


WORDS: dict[
    RechargeState, Callable[[Organisation, RechargeStatus, datetime], Words]
] = {
    RechargeState.OFF: _off,
    RechargeState.ARMED: _armed,
    RechargeState.CHARGING: _charging,
    RechargeState.COOLING: _cooling,
    RechargeState.ACTION_REQUIRED: _action_required,
    RechargeState.SUSPENDED: _suspended,
    RechargeState.CAPPED: _capped,
}
