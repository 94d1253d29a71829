"""Which notice is shown, in which order, and what each says (rule 11)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import translation

from accounts.models import BillingMode, Organisation
from billing.models import TopUp
from billing.service_state import Situation, service_notices, service_pill
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
        "announced": [],
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
    )
    tones = [notice.headline for notice in service_notices(now)]
    assert tones == [
        "Service paused on 22 November 2026.",
        "About 3 days left.",
        "US$114.00 expires in 5 days.",
        "US$50.00 is being checked.",
    ]


def test_nce_organisation_reads_how_it_is_billed_and_nothing_of_buying() -> None:
    nce = organisation(billing_mode=BillingMode.NCE)
    [notice] = service_notices(situation(0, organisation=nce, has_history=False))
    assert notice.headline == "You are billed each month after use."
    assert not notice.for_buyers
    assert "add" not in notice.url
    left = service_notices(situation(40, organisation=nce))[0].body
    assert f"{money_text(40 * UNIT, 'USD')}, is spent first" in left


def test_notices_speak_the_readers_language() -> None:
    with translation.override("zh-hant"):
        [notice] = service_notices(situation(0, has_history=False))
    assert notice.headline == "尚無點數。"
    assert notice.action == "加值"
