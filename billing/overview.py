"""All that the overview and the Credits page show, gathered in a handful of reads.

The number of statements does not grow with calls, lots or purchases. Every figure is
cut to what the currency shows, in a way that keeps balance − held = available true.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import Organisation
from billing.activity import (
    ActivityRow,
    DayOfCalls,
    activity_rows,
    past_balances,
    read_days_of_calls,
    read_movements,
)
from billing.models import TopUp, TopUpState
from billing.recharging.play_recharge import refills_of
from billing.recharging.recharge_state import RechargeStatus
from billing.telling.service_news import ServiceNews, news_flags, read_news
from billing.telling.service_notice import Pill, ServiceNotice
from billing.telling.service_state import Situation, service_notices, service_pill
from calling.models import SpendingLimit
from calling.pool_size import next_month
from calling.postpaid import PostpaidMonth, invoiced_on, spending_of
from credits.balance_chart import BalanceChart, balance_chart
from credits.display import shown
from credits.expiry_timeline import ExpiryTimeline, expiry_timeline
from credits.forecast import Forecast, Pace, forecast, pace_of, spending_beyond
from credits.funds import FundsRow, funds_ahead, funds_rows
from credits.models import LedgerEntry, Lot, LotKind, Wallet
from credits.money import Micros
from credits.statement import Balance, balance_of

JUST_NOW = timedelta(hours=24)
ACTIVITY_ROWS = 10


@dataclass(frozen=True)
class BalanceFigures:
    """The balance card; amounts as they are shown, so that they add up on screen."""

    currency: str
    balance: Micros
    held: Micros
    available: Micros
    live_calls: int = 0


@dataclass(frozen=True)
class Overview:
    """What one organisation's pages show at one moment."""

    organisation: Organisation
    at: datetime
    today: date
    figures: BalanceFigures
    pill: Pill
    notices: list[ServiceNotice]
    recharge: RechargeStatus | None
    forecast: Forecast | None
    chart: BalanceChart
    funds: list[FundsRow]
    timeline: ExpiryTimeline
    month: DayOfCalls
    activity: list[ActivityRow]
    post_paid: PostpaidMonth | None = None

    @property
    def currency(self) -> str:
        return self.organisation.currency

    @property
    def notice(self) -> ServiceNotice | None:
        """The most urgent; the page shows one."""
        return self.notices[0] if self.notices else None

    @property
    def other_notices(self) -> int:
        return max(0, len(self.notices) - 1)


@dataclass(frozen=True)
class _Read:
    """What came out of the database."""

    wallet: Wallet
    balance: Balance
    lots: list[Lot]
    lapsed: list[Lot]
    calls: dict[date, DayOfCalls]
    top_ups: list[TopUp]
    news: ServiceNews


def read_overview(organisation: Organisation, at: datetime) -> Overview:
    today = organisation.local_day(at)
    found = _read(organisation, at, today)
    movements = read_movements(organisation, today=today, lapsed=found.lapsed)
    balance = found.balance.balance
    pace, ahead = _ahead(organisation, found, today)
    funds = funds_rows(found.lots, today=today)
    month = _month_of(found.calls, today)
    post_paid = None
    if not organisation.buys_credits:
        post_paid = _post_paid(organisation, month, pace, found.lots, today=today)
    now = _situation(organisation, at, found, funds, ahead)
    notices = service_notices(replace(now, post_paid=post_paid))
    return Overview(
        organisation=organisation,
        at=at,
        today=today,
        figures=balance_figures(found.balance),
        pill=service_pill(notices),
        notices=notices,
        recharge=found.news.recharge,
        forecast=ahead,
        chart=balance_chart(
            past_balances(organisation, balance, found.calls, movements, today=today),
            ahead.days if ahead and balance > 0 else (),
            currency=organisation.currency,
            today_word=_("Today"),
            level=found.wallet.trigger,
        ),
        funds=funds,
        timeline=expiry_timeline(
            funds_ahead(found.lots), today=today, currency=organisation.currency
        ),
        month=month,
        post_paid=post_paid,
        activity=activity_rows(
            organisation,
            balance,
            found.calls,
            movements,
            today=today,
            limit=ACTIVITY_ROWS,
        ),
    )


def balance_figures(balance: Balance) -> BalanceFigures:
    """Held is the difference of what is shown, so the three always add up."""
    whole = shown(balance.balance, balance.currency)
    available = shown(balance.available, balance.currency)
    return BalanceFigures(
        balance.currency, whole, whole - available, available, balance.live_calls
    )


def _ahead(
    organisation: Organisation, found: _Read, today: date
) -> tuple[Pace, Forecast | None]:
    """How fast it goes and how long it lasts, with auto-recharge as it is set."""
    pace = pace_of(
        {day: calls.amount for day, calls in found.calls.items()},
        since=organisation.local_day(organisation.opened_at),
        today=today,
    )
    ahead = forecast(
        pace,
        funds_ahead(found.lots),
        today=today,
        debt=found.balance.debt,
        refills=refills_of(found.news.recharge),
    )
    return pace, ahead


def _post_paid(
    organisation: Organisation,
    month: DayOfCalls,
    pace: Pace,
    lots: list[Lot],
    *,
    today: date,
) -> PostpaidMonth:
    """One statement: the limit."""
    limit = SpendingLimit.objects.filter(organisation=organisation).first()
    spending = spending_of(organisation, limit, month.postpaid, today=today)
    ends_on = next_month(spending.month)
    more = spending_beyond(pace, funds_ahead(lots), today=today, until=ends_on)
    return PostpaidMonth(
        spending=spending,
        expected=None if more is None else month.postpaid + more,
        invoiced_on=invoiced_on(organisation, today),
    )


def _read(organisation: Organisation, at: datetime, today: date) -> _Read:
    """Three statements, and more while there is news."""
    flags = news_flags(organisation)
    mine = Lot.objects.filter(organisation=organisation).live().in_burn_order()
    live = list(mine.select_related("organisation__wallet").annotate(**flags))
    if live:
        wallet = live[0].organisation.wallet
    else:
        wallet = Wallet.objects.annotate(**flags).get(pk=organisation.pk)
    return _Read(
        wallet=wallet,
        balance=balance_of(wallet, at),
        lots=[lot for lot in live if lot.expires_at > at],
        lapsed=[lot for lot in live if lot.expires_at <= at],
        calls=read_days_of_calls(organisation, today=today),
        top_ups=_news(wallet, live, at),
        news=read_news(organisation, live[0] if live else wallet, at=at),
    )


def _news(wallet: Wallet, live: list[Lot], at: datetime) -> list[TopUp]:
    """Purchases that are being checked, or were paid a moment ago, newest first."""
    is_bought = any(
        lot.kind == LotKind.PURCHASE and lot.issued_at >= at - JUST_NOW for lot in live
    )
    if not (is_bought or wallet.incoming):
        return []
    news = Q(state=TopUpState.PROCESSING) | Q(paid_at__gte=at - JUST_NOW)
    top_ups = TopUp.objects.filter(news, organisation=wallet.organisation_id)
    return list(top_ups.order_by("-id"))


def _situation(
    organisation: Organisation,
    at: datetime,
    found: _Read,
    funds: list[FundsRow],
    ahead: Forecast | None,
) -> Situation:
    has_history = found.wallet.last_seq > 0
    is_empty = has_history and found.balance.balance <= 0
    return Situation(
        organisation=organisation,
        at=at,
        balance=found.balance,
        has_history=has_history,
        funds=funds,
        forecast=ahead,
        last_moved_at=_last_moved_at(organisation) if is_empty else None,
        paid=_just_paid(found),
        checking=[one for one in found.top_ups if one.state == TopUpState.PROCESSING],
        news=found.news,
    )


def _just_paid(found: _Read) -> tuple[TopUp, Lot] | None:
    lots = {lot.sale_id: lot for lot in found.lots if lot.kind == LotKind.PURCHASE}
    for top_up in found.top_ups:
        if top_up.is_paid and top_up.pk in lots:
            return top_up, lots[top_up.pk]
    return None


def _last_moved_at(organisation: Organisation) -> datetime | None:
    entries = LedgerEntry.objects.filter(organisation=organisation)
    newest = entries.order_by("-wallet_seq").first()
    return newest.booked_at if newest else None


def _month_of(calls: dict[date, DayOfCalls], today: date) -> DayOfCalls:
    mine = [of_day for day, of_day in calls.items() if day >= today.replace(day=1)]
    return DayOfCalls(
        sum(day.calls for day in mine),
        sum(day.seconds for day in mine),
        sum(day.amount for day in mine),
        sum(day.postpaid for day in mine),
    )
