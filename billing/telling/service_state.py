"""What to tell the organisation about its service: a pill, and notices by urgency.

Pure: everything it needs is handed in. The first notice is the one to show; the others
are counted and stand on the overview.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Organisation
from billing.models import TopUp, TransferAnnouncement
from billing.recharging.recharge_notices import dispute_notice, recharge_notices
from billing.telling.billing_notices import (
    late_notices,
    post_paid_notice,
    suspended_notices,
)
from billing.telling.service_news import ServiceNews
from billing.telling.service_notice import Pill, ServiceNotice, active
from calling.postpaid import PostpaidMonth
from credits.display import date_text, money_text, shown_up, time_text
from credits.forecast import Forecast, FundsOutcome
from credits.funds import FundsRow, last_day_of
from credits.models import Lot
from credits.statement import Balance

LOW_DAYS = 7


@dataclass(frozen=True)
class Situation:
    """What the notices are made from; `last_moved_at` only where nothing is left."""

    organisation: Organisation
    at: datetime
    balance: Balance
    has_history: bool
    funds: list[FundsRow]
    forecast: Forecast | None
    last_moved_at: datetime | None
    paid: tuple[TopUp, Lot] | None
    checking: list[TopUp]
    news: ServiceNews
    post_paid: PostpaidMonth | None = None

    @property
    def today(self) -> date:
        return self.organisation.local_day(self.at)


def service_pill(notices: list[ServiceNotice]) -> Pill:
    """That of the most urgent notice; without one the service is active."""
    text = notices[0].pill if notices else active()
    if text in {active(), _("Post-paid")}:
        return Pill(text, "good")
    return Pill(text, "" if notices[0].tone == "info" else notices[0].tone)


def not_set_up() -> str:
    return _("Not set up")


def service_notices(now: Situation) -> list[ServiceNotice]:
    """Most urgent first."""
    organisation = now.organisation
    return [
        *suspended_notices(organisation, now.news.provider),
        *late_notices(organisation, now.news.late, now.news.provider, today=now.today),
        *(_prepaid(now) if organisation.buys_credits else _post_paid(now)),
    ]


def _post_paid(now: Situation) -> Iterator[ServiceNotice]:
    for transfer in now.news.announced:
        yield _announced(transfer, _("Post-paid"))
    for top_up in now.checking:
        yield _being_checked(top_up)
    if now.post_paid is not None:
        yield post_paid_notice(now.post_paid, now.balance)


def _prepaid(now: Situation) -> Iterator[ServiceNotice]:
    if now.balance.debt:
        yield _negative(now)
    elif not now.has_history:
        # Whoever has announced a transfer is waiting, and is not told to add funds.
        if not now.news.announced:
            yield _empty()
    elif now.balance.balance <= 0:
        yield _zero(now)
    yield from _recharge(now)
    for top_up in now.news.disputed:
        yield dispute_notice(top_up)
    yield from _low(now)
    yield from _expiring(now)
    for top_up in now.checking:
        yield _being_checked(top_up)
    for transfer in now.news.announced:
        yield _announced(transfer, active() if now.has_history else not_set_up())
    if now.paid:
        yield _topped_up(now, *now.paid)


def _add_funds(tone: str, pill: str, headline: str, body: str) -> ServiceNotice:
    icon = {"bad": "stop", "warn": "clock"}.get(tone, "info")
    url = reverse("add_funds")
    return ServiceNotice(
        tone, icon, pill, headline, body, _("Add funds"), url, for_buyers=True
    )


def _negative(now: Situation) -> ServiceNotice:
    currency = now.balance.currency
    owed = money_text(shown_up(now.balance.debt, currency), currency)
    return _add_funds(
        "bad",
        _("Paid calls stopped"),
        _("%(amount)s over.") % {"amount": owed},
        _(
            "Calls were still in progress when the balance ran out. The next funds "
            "pay it first. Calls covered by a plan and emergency calls still work."
        ),
    )


def _empty() -> ServiceNotice:
    return _add_funds(
        "info",
        not_set_up(),
        _("No credits yet."),
        _(
            "Calls outside your plans, toll-free numbers and conference dial-out stay "
            "off until you add funds."
        ),
    )


def _zero(now: Situation) -> ServiceNotice:
    return _add_funds(
        "bad",
        _("Paid calls stopped"),
        _used_up(now),
        _(
            "New paid calls and toll-free calls are stopped. Calls covered by a plan "
            "and emergency calls still work."
        ),
    )


def _used_up(now: Situation) -> str:
    if now.last_moved_at is None:
        return _("Balance used up.")
    day = now.organisation.local_day(now.last_moved_at)
    time = time_text(now.last_moved_at, now.organisation.zone)
    if day == now.today:
        return _("Balance used up at %(time)s.") % {"time": time}
    return _("Balance used up on %(day)s at %(time)s.") % {
        "day": date_text(day, "month_day"),
        "time": time,
    }


def _recharge(now: Situation) -> Iterator[ServiceNotice]:
    if now.news.recharge is None:
        return
    yield from recharge_notices(
        now.organisation,
        now.news.recharge,
        declined_at=now.news.declined_at,
        runs_out_on=now.forecast.runs_out_on if now.forecast else None,
        at=now.at,
    )


def _low(now: Situation) -> Iterator[ServiceNotice]:
    """Within days of zero at this pace, or below the alert that was mailed."""
    if now.balance.balance <= 0:
        return
    ahead = now.forecast
    runs_out_on = ahead.runs_out_on if ahead else None
    left = max(1, (runs_out_on - now.today).days) if runs_out_on else LOW_DAYS + 1
    if ahead and runs_out_on and (left <= LOW_DAYS or now.news.is_low):
        pace = money_text(ahead.average_per_day, now.balance.currency)
        facts = {"amount": pace, "day": date_text(runs_out_on, "month_day")}
        yield _add_funds(
            "warn",
            _("Running low"),
            ngettext("About %(days)d day left.", "About %(days)d days left.", left)
            % {"days": left},
            _pace_sentence(now) % facts,
        )
    elif now.news.is_low:
        available = money_text(now.balance.available, now.balance.currency)
        yield _add_funds(
            "warn",
            _("Running low"),
            _("%(amount)s left.") % {"amount": available},
            _("The available balance is below the alert that you chose."),
        )


def _pace_sentence(now: Situation) -> str:
    if now.news.recharge is None:
        return _(
            "Auto-recharge is off. At %(amount)s a day the balance reaches zero around "
            "%(day)s."
        )
    if now.forecast and now.forecast.counts_recharge:
        return _(
            "At %(amount)s a day the balance reaches zero around %(day)s, although "
            "auto-recharge adds what its limits allow."
        )
    return _("At %(amount)s a day the balance reaches zero around %(day)s.")


def _expiring(now: Situation) -> Iterator[ServiceNotice]:
    """Lots that end soon: first those that would be partly lost."""
    outcomes: list[FundsOutcome | None] = list(
        now.forecast.outcomes if now.forecast else [None] * len(now.funds)
    )
    soon = [
        (row, outcome)
        for row, outcome in zip(now.funds, outcomes, strict=True)
        if row.is_soon
    ]
    yield from (_lost(row, end) for row, end in soon if end and end.unused)
    yield from (_used(row, end) for row, end in soon if not (end and end.unused))


def _lost(row: FundsRow, outcome: FundsOutcome) -> ServiceNotice:
    unused = money_text(outcome.unused, row.currency)
    return ServiceNotice(
        "warn",
        "clock",
        _("Funds expiring"),
        _expires_in(row),
        _(
            "At your current pace about %(unused)s of it will not be used. Expired "
            "funds cannot be restored."
        )
        % {"unused": unused},
        _("See expiry dates"),
        reverse("credits") + "#lots",
    )


def _expires_in(row: FundsRow) -> str:
    amount = money_text(row.remaining, row.currency)
    if row.days_left < 1:
        return _("%(amount)s expires at the end of today.") % {"amount": amount}
    return ngettext(
        "%(amount)s expires in %(days)d day.",
        "%(amount)s expires in %(days)d days.",
        row.days_left,
    ) % {"amount": amount, "days": row.days_left}


def _used(row: FundsRow, outcome: FundsOutcome | None) -> ServiceNotice:
    if outcome and outcome.used_by:
        by = date_text(outcome.used_by, "month_day")
        body = _(
            "At your current pace it will be used by %(day)s, so nothing should be "
            "lost."
        ) % {"day": by}
    else:
        body = _(
            "There is not enough usage yet to say whether it will be used in time. "
            "Expired funds cannot be restored."
        )
    amount = money_text(row.remaining, row.currency)
    return ServiceNotice(
        "warn",
        "clock",
        active() if outcome else _("Funds expiring"),
        _("%(amount)s expires on %(day)s.")
        % {"amount": amount, "day": date_text(row.last_day, "long")},
        body,
        _("See expiry dates"),
        reverse("credits") + "#lots",
    )


def _being_checked(top_up: TopUp) -> ServiceNotice:
    amount = money_text(top_up.total_micros, top_up.currency)
    return ServiceNotice(
        "info",
        "clock",
        active(),
        _("%(amount)s is being checked.") % {"amount": amount},
        _("That usually takes a minute. Do not pay again."),
        _("See payment"),
        top_up.get_absolute_url(),
    )


def _announced(transfer: TransferAnnouncement, pill: str) -> ServiceNotice:
    amount = money_text(transfer.amount_micros, transfer.currency)
    return ServiceNotice(
        "info",
        "clock",
        pill,
        _("Bank transfer of %(amount)s announced.") % {"amount": amount},
        _(
            "Reference %(reference)s. Usually 1–2 working days; not spendable until it "
            "arrives."
        )
        % {"reference": transfer.reference},
        _("Payment details"),
        transfer.get_absolute_url(),
    )


def _topped_up(now: Situation, top_up: TopUp, lot: Lot) -> ServiceNotice:
    amount = money_text(top_up.credit_micros, top_up.currency)
    sent = {
        "receipt": top_up.receipt_number,
        "email": now.organisation.billing_email,
        "day": date_text(last_day_of(lot), "long"),
    }
    return ServiceNotice(
        "good",
        "check",
        active(),
        _("%(amount)s added.") % {"amount": amount},
        _("Receipt %(receipt)s was sent to %(email)s. These funds expire on %(day)s.")
        % sent,
        _("View receipt"),
        top_up.get_absolute_url(),
    )
