"""Which notice is shown, in which order, and what each says (rule 11)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import translation

from accounts.models import BillingMode, Organisation, ProviderSettings
from billing.models import (
    Invoice,
    PaymentMethod,
    RechargeAttempt,
    TopUp,
    TransferAnnouncement,
)
from billing.recharging.recharge_state import RechargeState, RechargeStatus
from billing.telling.service_news import ServiceNews
from billing.telling.service_state import Situation, service_notices, service_pill
from calling.postpaid import PostpaidMonth, Spending
from credits.display import money_text
from credits.forecast import Forecast, FundsOutcome
from credits.funds import FundsRow
from credits.models import LotKind
from credits.money import to_money
from credits.statement import Balance

AT = datetime(2026, 11, 22, 2, 42, tzinfo=UTC)
TODAY = date(2026, 11, 22)
UNIT = 1_000_000


def organisation(**more: object) -> Organisation:
    facts = {"time_zone": "Asia/Taipei", "currency": "USD", **more}
    return Organisation(pk=1, billing_email="b@formosa.example", **facts)


def lot(amount: int, days: int) -> FundsRow:
    last = TODAY + timedelta(days=days)
    whole = amount * UNIT
    return FundsRow(
        LotKind.PURCHASE, TODAY, whole, whole, "100%", last, days, True, "USD"
    )


def situation(balance: int = 100, **more: object) -> Situation:
    amount = balance * UNIT
    debt = max(0, -amount)
    facts: dict[str, object] = {
        "organisation": organisation(),
        "at": AT,
        "balance": Balance(amount, amount, amount, 0, debt, 0, "USD"),
        "has_history": True,
        "funds": [],
        "forecast": None,
        "last_moved_at": None,
        "paid": None,
        "news": ServiceNews(announced=[], disputed=[]),
        "checking": [],
    }
    return Situation(**{**facts, **more})  # type: ignore[arg-type]


def ahead(days: int | None, *, unused: int = 0, used_in: int | None = None) -> Forecast:
    runs_out = TODAY + timedelta(days=days) if days is not None else None
    used_by = TODAY + timedelta(days=used_in) if used_in else None
    outcome = FundsOutcome(used_by, unused * UNIT)
    return Forecast(33_010_000, runs_out, (), (outcome,))


def test_without_news_the_service_is_active() -> None:
    notices = service_notices(situation())
    assert notices == []
    pill = service_pill(notices)
    assert (pill.text, pill.tone) == ("Service active", "good")


@pytest.mark.parametrize(
    ("now", "pill", "tone", "headline"),
    [
        (situation(0, has_history=False), "Not set up", "", "No credits yet."),
        (situation(0), "Paid calls stopped", "bad", "Balance used up."),
        (
            situation(0, last_moved_at=AT + timedelta(hours=3, minutes=25)),
            "Paid calls stopped",
            "bad",
            "Balance used up at 14:07.",
        ),
        (
            situation(0, last_moved_at=AT - timedelta(days=2)),
            "Paid calls stopped",
            "bad",
            "Balance used up on 20 November at 10:42.",
        ),
        (situation(-3), "Paid calls stopped", "bad", "US$3.00 over."),
        (
            situation(132, forecast=ahead(4), funds=[lot(132, 300)]),
            "Running low",
            "warn",
            "About 4 days left.",
        ),
        (
            situation(640, forecast=ahead(300, unused=409), funds=[lot(640, 7)]),
            "Funds expiring",
            "warn",
            "US$640.00 expires in 7 days.",
        ),
        (
            situation(114, forecast=ahead(60, used_in=4), funds=[lot(114, 22)]),
            "Service active",
            "good",
            "US$114.00 expires on 14 December 2026.",
        ),
    ],
)
def test_each_state_has_its_pill_and_headline(
    now: Situation, pill: str, tone: str, headline: str
) -> None:
    notices = service_notices(now)
    shown = service_pill(notices)
    assert (shown.text, shown.tone) == (pill, tone)
    assert notices[0].headline == headline


def test_stopped_service_names_what_still_works() -> None:
    for now in (situation(0), situation(-3)):
        assert "emergency calls still work" in service_notices(now)[0].body


def test_what_would_be_lost_is_said_with_its_amount() -> None:
    now = situation(640, forecast=ahead(300, unused=409), funds=[lot(640, 7)])
    assert "about US$409.00 of it will not be used" in service_notices(now)[0].body


def test_without_a_forecast_nothing_is_promised_about_expiry() -> None:
    [notice] = service_notices(situation(funds=[lot(100, 10)]))
    assert notice.pill == "Funds expiring"
    assert "not enough usage yet" in notice.body


def test_funds_that_expire_far_away_are_no_news() -> None:
    assert service_notices(situation(funds=[lot(100, 31)])) == []


def test_the_most_urgent_stands_first() -> None:
    money = to_money(50 * UNIT, "USD")
    checked = TopUp(pk=7, credit=money, total=money, currency="USD")
    now = situation(
        114,
        organisation=organisation(suspended_at=AT),
        forecast=ahead(3, unused=5),
        funds=[lot(114, 5)],
        checking=[checked],
        news=ServiceNews([], [], provider=ProviderSettings(name="Formosa Telecom")),
    )
    tones = [notice.headline for notice in service_notices(now)]
    assert tones == [
        "Service paused by Formosa Telecom.",
        "About 3 days left.",
        "US$114.00 expires in 5 days.",
        "US$50.00 is being checked.",
    ]


def card() -> PaymentMethod:
    return PaymentMethod(brand="visa", last_four="4242")


def attempt() -> RechargeAttempt:
    money = to_money(2000 * UNIT, "USD")
    paid = TopUp(pk=9, credit=money, total=money, currency="USD")
    return RechargeAttempt(top_up=paid)


def news(state: RechargeState, **facts: object) -> ServiceNews:
    given: dict[str, object] = {"card": card(), "attempt": attempt(), **facts}
    declined_at = AT - timedelta(minutes=90)
    status = RechargeStatus(state, "USD", **given)  # type: ignore[arg-type]
    return ServiceNews([], [], recharge=status, declined_at=declined_at)


NEXT_TRY = AT + timedelta(hours=4, minutes=30)
MONTH_END = datetime(2026, 11, 30, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "pill", "tone", "headline", "body"),
    [
        (
            news(RechargeState.COOLING, code="insufficient_funds", next_at=NEXT_TRY),
            "Payment problem",
            "bad",
            "Visa ending 4242 was declined at 09:12.",
            "Next try: 15:12.",
        ),
        (
            news(RechargeState.SUSPENDED, code="expired_card", declines=1),
            "Payment problem",
            "bad",
            "Auto-recharge is paused.",
            "The card has expired. Nothing is added until another card is chosen.",
        ),
        (
            news(RechargeState.SUSPENDED, code="all_stopped"),
            "Payment problem",
            "bad",
            "Auto-recharge is stopped.",
            "The provider has stopped all auto-recharge.",
        ),
        (
            news(RechargeState.SUSPENDED, code="disputed"),
            "Payment problem",
            "bad",
            "Auto-recharge is paused.",
            "A payment with this card is disputed",
        ),
        (
            news(RechargeState.ACTION_REQUIRED),
            "Waiting for approval",
            "warn",
            "Your bank wants you to approve US$2,000.00.",
            "mailed to b@formosa.example",
        ),
        (
            news(
                RechargeState.CAPPED,
                code="month_limit",
                next_at=MONTH_END,
                available=93 * UNIT,
            ),
            "Running low",
            "warn",
            "Recharge limit for November reached.",
            "US$93.00 is available. Nothing more is added by itself until 1 December",
        ),
        (
            news(RechargeState.CAPPED, code="day_limit", next_at=NEXT_TRY),
            "Running low",
            "warn",
            "Recharge limit for today reached.",
            "until 15:12",
        ),
    ],
)
def test_a31_auto_recharge_says_what_keeps_it_and_what_helps(
    told: ServiceNews, pill: str, tone: str, headline: str, body: str
) -> None:
    """Rule 5.7; a cap is a banner as well as a mail (museum A31)."""
    notices = service_notices(situation(news=told))
    shown = service_pill(notices)
    assert (shown.text, shown.tone) == (pill, tone)
    assert notices[0].headline == headline
    assert body in notices[0].body
    assert notices[0].url


@pytest.mark.parametrize("state", ["armed", "charging", "off"])
def test_auto_recharge_that_works_is_no_news(state: str) -> None:
    assert service_notices(situation(news=news(RechargeState(state)))) == []


def test_the_list_of_urgency_is_kept_from_top_to_bottom() -> None:
    """The page shows the first and counts the others."""
    money = to_money(50 * UNIT, "USD")
    paid = TopUp(pk=7, credit=money, total=money, currency="USD")
    told = news(RechargeState.CAPPED, code="month_limit", next_at=MONTH_END)
    transfer = TransferAnnouncement(
        pk=3, amount=money, currency="USD", reference="TR-1", announced_at=AT
    )
    now = situation(
        0,
        organisation=organisation(suspended_at=AT, suspended_because="fraud"),
        news=replace(
            told,
            disputed=[paid],
            announced=[transfer],
            provider=ProviderSettings(name="Formosa Telecom"),
            late=[late_invoice()],
        ),
        funds=[lot(114, 5), lot(50, 9)],
        checking=[paid],
    )
    assert [notice.headline for notice in service_notices(now)] == [
        "Service paused by Formosa Telecom.",
        "Invoice INV-2026-0117 is 8 days late.",
        "Balance used up.",
        "Recharge limit for November reached.",
        "Payment of US$50.00 is disputed.",
        "US$114.00 expires on 27 November 2026.",
        "US$50.00 expires on 1 December 2026.",
        "US$50.00 is being checked.",
        "Bank transfer of US$50.00 announced.",
    ]


def test_a_balance_below_the_alert_is_low_without_a_forecast() -> None:
    told = ServiceNews([], [], is_low=True)
    [notice] = service_notices(situation(8, news=told))
    assert notice.pill == "Running low"
    assert notice.headline == "US$8.00 left."


def test_low_says_whether_auto_recharge_is_off() -> None:
    low = {"forecast": ahead(4), "funds": [lot(132, 300)]}
    without = service_notices(situation(132, **low))[0].body
    assert without.startswith("Auto-recharge is off.")
    armed = news(RechargeState.ARMED)
    assert "off" not in service_notices(situation(132, news=armed, **low))[0].body


def late_invoice() -> Invoice:
    return Invoice(
        pk=5, number="INV-2026-0117", state="late", due_on=TODAY - timedelta(days=8)
    )


@pytest.mark.parametrize(
    ("restricted_at", "pill", "body"),
    [
        (None, "Payment problem", "Paid calls stop on 21 November"),
        (AT, "Paid calls stopped", "Paid calls are stopped since 21 November"),
    ],
)
def test_10_2_late_invoice_says_what_stops_when_and_what_lifts_it(
    restricted_at: datetime | None, pill: str, body: str
) -> None:
    told = ServiceNews([], [], provider=ProviderSettings(), late=[late_invoice()])
    now = situation(organisation=organisation(restricted_at=restricted_at), news=told)
    [notice] = service_notices(now)
    assert (notice.pill, notice.tone) == (pill, "bad")
    assert notice.body.startswith(body)
    assert "paused on 28 November" in notice.body
    assert "lifted at once when it is paid" in notice.body
    assert (notice.action, notice.url) == ("Pay invoice", "/invoices/5/")


@pytest.mark.parametrize(
    ("because", "says", "action"),
    [
        ("dunning", "An invoice was not paid.", "Pay invoice"),
        ("fraud", "Calls looked like fraud.", "Contact"),
        ("request", "You asked for it.", "Contact"),
    ],
)
def test_paused_service_says_why_and_that_emergency_calls_work(
    because: str, says: str, action: str
) -> None:
    paused = organisation(suspended_at=AT, suspended_because=because)
    told = ServiceNews([], [], provider=ProviderSettings(name="Formosa Telecom"))
    [notice] = service_notices(situation(organisation=paused, news=told))
    assert (notice.pill, notice.headline) == (
        "Service paused",
        "Service paused by Formosa Telecom.",
    )
    assert says in notice.body
    assert "emergency calls, which still work" in notice.body
    assert notice.action == action


def after_use(
    spent: int = 0, limit: int | None = None, *, is_hard: bool = True
) -> PostpaidMonth:
    spending = Spending(
        TODAY.replace(day=1),
        MONTH_END,
        spent * UNIT,
        limit * UNIT if limit else None,
        is_hard,
    )
    return PostpaidMonth(spending, None, date(2026, 12, 4))


def test_nce_organisation_reads_how_it_is_billed_and_nothing_of_buying() -> None:
    nce = organisation(billing_mode=BillingMode.NCE)
    now = situation(0, organisation=nce, has_history=False, post_paid=after_use())
    [notice] = service_notices(now)
    assert notice.headline == "You are billed each month after use."
    assert "The invoice for November comes about 4 December." in notice.body
    assert (notice.action, notice.url) == ("Set a limit", "/spending-limit/")
    assert not notice.for_buyers
    now = situation(40, organisation=nce, post_paid=after_use(limit=5000))
    [notice] = service_notices(now)
    assert f"{money_text(40 * UNIT, 'USD')}, is spent first" in notice.body
    assert "Spending limit: US$5,000.00 a month." in notice.body
    assert notice.action == "Change limit"


def test_10_4_reached_limit_stops_paid_calls_and_a_soft_one_does_not() -> None:
    nce = organisation(billing_mode=BillingMode.NCE)

    def shown(*, is_hard: bool) -> str:
        month = after_use(10, 10, is_hard=is_hard)
        notices = service_notices(situation(0, organisation=nce, post_paid=month))
        return service_pill(notices).text

    assert shown(is_hard=True) == "Paid calls stopped"
    assert shown(is_hard=False) == "Post-paid"


def test_notices_speak_the_readers_language() -> None:
    with translation.override("zh-hant"):
        [notice] = service_notices(situation(0, has_history=False))
    assert notice.headline == "尚無點數。"
    assert notice.action == "加值"


def test_low_balance_says_when_auto_recharge_is_counted() -> None:
    counted = replace(ahead(4), counts_recharge=True)
    low = {"forecast": counted, "funds": [lot(132, 300)]}
    [notice] = service_notices(situation(132, news=news(RechargeState.ARMED), **low))
    assert "although auto-recharge adds what its limits allow" in notice.body
