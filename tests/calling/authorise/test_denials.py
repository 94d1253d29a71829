"""Each reason why a call may not go on, and what is answered then (rule 9.2)."""

from datetime import time, timedelta
from typing import Any

import pytest
from django_q.models import OrmQ

from accounts.models import BillingMode, Notice, Organisation
from calling.authorise.codes import DENIALS
from calling.models import (
    Barring,
    Bucket,
    CallLimits,
    DeniedCall,
    Line,
    LineMonth,
    Source,
    SpendingLimit,
    UsageDay,
)
from credits.models import Hold, Wallet
from credits.refresh import NUDGE
from tests.calling.authorise.asking import (
    JAPAN,
    JAPAN_MOBILE,
    MEI,
    PREMIUM,
    TAIWAN,
    ask,
)
from tests.calling.telephony import (
    MORNING,
    give_credit,
    give_number,
    give_plan,
    make_line,
    make_record,
    take_in,
)
from tests.makers import make_organisation

pytestmark = pytest.mark.usefixtures("card", "mei")


@pytest.fixture
def rich(formosa: Organisation) -> Organisation:
    give_credit(formosa, "100")
    return formosa


def limit(**limits: Any) -> CallLimits:
    return CallLimits.objects.create(**limits)


def test_every_code_has_what_a_switch_and_a_person_need() -> None:
    """9.2: the codes, their SIP status and their Q.850 cause."""
    assert {code: (one.sip, one.q850) for code, one in DENIALS.items()} == {
        "no_funding": (402, 21),
        "line_limit_reached": (402, 21),
        "organisation_not_entitled": (403, 21),
        "line_not_entitled": (403, 21),
        "suspended": (403, 21),
        "destination_barred": (403, 21),
        "price_above_ceiling": (403, 21),
        "daily_limit_reached": (403, 21),
        "no_rate": (404, 3),
        "number_not_valid": (484, 28),
        "too_many_calls": (486, 17),
        "recharge_in_progress": (503, 0),
    }
    for one in DENIALS.values():
        assert one.phrase.isascii()
        assert one.phrase.isprintable()
        assert str(one.sentence)
        assert str(one.remedy)


# --- whose call -----------------------------------------------------------------------


def test_nobodys_call(pbx: Source) -> None:
    answer = ask(pbx, caller="+886299999999")
    assert answer.code == "organisation_not_entitled"
    denied = DeniedCall.objects.get()
    assert (denied.organisation, denied.code) == (None, answer.code)


def test_a_call_of_two_organisations(pbx: Source, rich: Organisation) -> None:
    """1.7: two different hits are no owner, never a guess."""
    other = make_organisation("Contoso", slug="contoso-2")
    assert ask(pbx, account_code=other.account_code).code == "organisation_not_entitled"


def test_a_closed_organisations_call(pbx: Source, rich: Organisation) -> None:
    rich.closed_at = MORNING
    rich.save()
    assert ask(pbx).code == "organisation_not_entitled"


def test_a_suspended_organisations_call(
    pbx: Source, rich: Organisation, mei: Line
) -> None:
    """10.2: whatever it costs, and whatever the plan would cover."""
    give_plan(mei, {Bucket.DOMESTIC: 100})
    rich.suspended_at, rich.suspended_because = MORNING, "fraud"
    rich.save()
    assert ask(pbx).code == "suspended"
    assert ask(pbx, TAIWAN).code == "suspended"
    give_number(rich, "+886277777777", service_kind="toll")
    inbound = ask(pbx, "+886277777777", caller=JAPAN, direction="inbound")
    assert inbound.code == "suspended"


def test_a_restricted_organisations_call(
    pbx: Source, rich: Organisation, mei: Line
) -> None:
    """10.2: paid calls stop; plan minutes and free calls go on."""
    give_plan(mei, {Bucket.DOMESTIC: 20})
    rich.restricted_at = MORNING
    rich.save()
    assert ask(pbx, JAPAN).code == "suspended"
    plan = ask(pbx, TAIWAN)
    assert (plan.body["charged_to"], plan.body["max_duration_s"]) == ("plan", 1200)
    assert ask(pbx, TAIWAN).code == "suspended"
    make_line(rich, "+886266666666")
    assert ask(pbx, "+886266666666").body["charged_to"] == "none"


# --- where to, at what price ----------------------------------------------------------


@pytest.mark.parametrize("callee", ["", "12", "abc", "+8190*", "anonymous"])
def test_a_number_that_is_none(pbx: Source, rich: Organisation, callee: str) -> None:
    assert ask(pbx, callee).code == "number_not_valid"


def test_premium_is_barred_by_default(pbx: Source, rich: Organisation) -> None:
    assert ask(pbx, PREMIUM).code == "destination_barred"
    Barring.objects.create(
        organisation=rich, name="hotline", number_type="premium", lets_through=True
    )
    assert ask(pbx, PREMIUM).decision == "allow"


def test_a_blocked_rate_bars(pbx: Source, rich: Organisation) -> None:
    """6.1: of a rate card's own."""
    assert ask(pbx, "+19005551234").code == "destination_barred"


def test_hours_are_those_where_the_organisation_is(
    pbx: Source, rich: Organisation
) -> None:
    """It is ten in the morning in Taipei; the bar is for the night."""
    Barring.objects.create(
        organisation=rich, name="night", hour_from=time(20), hour_until=time(8)
    )
    assert ask(pbx).decision == "allow"
    assert ask(pbx, at=MORNING + timedelta(hours=11)).code == "destination_barred"
    assert ask(pbx, at=MORNING + timedelta(hours=21)).code == "destination_barred"


def test_no_rate(pbx: Source, rich: Organisation) -> None:
    assert ask(pbx, "+33123456789").code == "no_rate"


def test_a_bar_comes_before_a_missing_rate(pbx: Source, rich: Organisation) -> None:
    """9.1: the order of the questions."""
    Barring.objects.create(name="France", country="FR")
    assert ask(pbx, "+33123456789").code == "destination_barred"


def test_a_price_above_the_ceiling(pbx: Source, rich: Organisation) -> None:
    limit(organisation=rich, currency="USD", price_ceiling=100_000)
    assert ask(pbx, JAPAN_MOBILE).code == "price_above_ceiling"
    assert ask(pbx, JAPAN).decision == "allow"


# --- velocity -------------------------------------------------------------------------


def test_too_many_calls_at_once(pbx: Source, rich: Organisation) -> None:
    limit(concurrent_calls=2)
    assert [ask(pbx).code for _ in range(3)] == ["", "", "too_many_calls"]
    make_line(rich, "+886266666666")
    assert ask(pbx, "+886266666666").decision == "allow"  # nobody pays for it


def test_a_day_is_spent(pbx: Source, rich: Organisation) -> None:
    """9.1: what was charged today, and what is set aside."""
    limit(currency="USD", daily_spend=1_000_000)
    take_in(pbx, make_record("a", seconds=1200), at=MORNING)  # 0.42
    first = ask(pbx, JAPAN)  # 0.58 of it is left: 27 minutes
    assert (first.decision, first.body["max_duration_s"]) == ("allow", 1620)
    assert ask(pbx, JAPAN).code == "daily_limit_reached"
    tomorrow = MORNING + timedelta(days=1)
    assert ask(pbx, JAPAN, at=tomorrow).body["max_duration_s"] == 1200


def test_plan_minutes_spend_nothing(pbx: Source, rich: Organisation, mei: Line) -> None:
    give_plan(mei, {Bucket.DOMESTIC: 100})
    limit(currency="USD", daily_spend=1)
    assert ask(pbx, TAIWAN).decision == "allow"
    assert ask(pbx, JAPAN).code == "daily_limit_reached"


def test_one_call_may_cost_so_much(pbx: Source, rich: Organisation) -> None:
    limit(currency="USD", call_cost=550_000)
    answer = ask(pbx, JAPAN_MOBILE)
    assert (answer.body["max_duration_s"], answer.body["hold"]["amount"]) == (
        300,
        "0.550000",
    )
    CallLimits.objects.update(call_cost=1)
    assert ask(pbx, JAPAN_MOBILE).code == "price_above_ceiling"


def test_the_longest_call(pbx: Source, rich: Organisation) -> None:
    limit(longest_call_seconds=90)
    assert ask(pbx, JAPAN_MOBILE).body["max_duration_s"] == 90


def test_limits_are_stricter_in_the_first_thirty_days(
    pbx: Source, rich: Organisation
) -> None:
    limit(longest_call_seconds=900)
    limit(for_new=True, longest_call_seconds=120)
    assert ask(pbx).body["max_duration_s"] == 900
    rich.opened_at = MORNING - timedelta(days=29)
    rich.save()
    assert ask(pbx).body["max_duration_s"] == 120


def test_limits_of_another_currency_do_not_apply(
    pbx: Source, rich: Organisation
) -> None:
    limit(currency="JPY", daily_spend=1, price_ceiling=1)
    assert ask(pbx).decision == "allow"


# --- who pays -------------------------------------------------------------------------


def test_a_line_reaches_its_limit(pbx: Source, rich: Organisation, mei: Line) -> None:
    """1.4: hard stop; what is set aside counts."""
    mei.monthly_limit = 1_000_000
    mei.save()
    take_in(pbx, make_record("a", seconds=1200), at=MORNING)  # 0.42
    assert ask(pbx, JAPAN).body["max_duration_s"] == 1620
    month = LineMonth.objects.get()
    assert (month.spent, month.reserved) == (420_000, 567_000)
    assert ask(pbx, JAPAN).code == "line_limit_reached"


def test_a_line_that_may_not_spend_credits(
    pbx: Source, rich: Organisation, mei: Line
) -> None:
    """8: `may_spend_credits` gates authorisation; plan minutes go on."""
    give_plan(mei, {Bucket.DOMESTIC: 20})
    mei.may_spend_credits = False
    mei.save()
    assert ask(pbx, JAPAN).code == "line_not_entitled"
    assert ask(pbx, TAIWAN).body["charged_to"] == "plan"
    assert ask(pbx, TAIWAN).code == "line_not_entitled"


def test_a_line_that_is_not_in_use(pbx: Source, rich: Organisation, mei: Line) -> None:
    mei.is_active = False
    mei.save()
    assert ask(pbx).code == "line_not_entitled"


def test_no_funding(pbx: Source, formosa: Organisation) -> None:
    """9.1: more than nothing, and at least the first interval."""
    assert ask(pbx).code == "no_funding"
    give_credit(formosa, "0.02")
    assert ask(pbx).code == "no_funding"
    give_credit(formosa, "0.001")
    assert ask(pbx).body["max_duration_s"] == 60


def test_a_recharge_that_would_cover_it_is_waited_for(
    pbx: Source, formosa: Organisation
) -> None:
    """9.2: `retry` while it is in flight, if it would be enough."""
    Wallet.objects.filter(pk=formosa.pk).update(incoming=1_000)
    assert ask(pbx).decision == "deny"
    Wallet.objects.filter(pk=formosa.pk).update(incoming=50_000_000)
    answer = ask(pbx, call_id="one")
    assert answer.body == {
        "decision": "retry",
        "code": "recharge_in_progress",
        "reason": "Top-up in progress",
        "sip": {"code": 503},
        "retry_after_s": 5,
    }
    assert not Hold.objects.exists()
    give_credit(formosa, "50")
    Wallet.objects.filter(pk=formosa.pk).update(incoming=0)
    assert ask(pbx, call_id="one").decision == "allow"


# --- billed after use -----------------------------------------------------------------


@pytest.fixture
def nce(contoso: Organisation) -> Organisation:
    assert contoso.billing_mode == BillingMode.NCE
    make_line(contoso, "+886255555555", identity="carl")
    return contoso


def test_nce_needs_no_funds(pbx: Source, nce: Organisation) -> None:
    """9.5: without a spending limit there is nothing to refuse."""
    answer = ask(pbx, JAPAN_MOBILE, caller="+886255555555")
    assert answer.body["charged_to"] == "postpaid"
    assert answer.body["hold"]["amount"] == "3.300000"


def test_nce_stops_at_its_spending_limit(pbx: Source, nce: Organisation) -> None:
    """9.5 and 10.4: what this month's calls were billed, and what is set aside."""
    SpendingLimit.objects.create(organisation=nce, amount=5_000_000, changed_at=MORNING)
    take_in(pbx, make_record("a", caller="+886255555555", seconds=6000), at=MORNING)
    assert UsageDay.objects.get().postpaid_amount == 2_100_000
    answer = ask(pbx, JAPAN_MOBILE, caller="+886255555555")
    assert answer.body["max_duration_s"] == 1578  # 2.90 of it is left
    assert ask(pbx, JAPAN_MOBILE, caller="+886255555555").code == "no_funding"
    SpendingLimit.objects.update(is_hard=False)
    assert ask(pbx, JAPAN_MOBILE, caller="+886255555555").decision == "allow"


def test_a_denied_call_reserves_nothing(pbx: Source, formosa: Organisation) -> None:
    """9.4: and is asked anew each time."""
    assert ask(pbx, call_id="one").decision == "deny"
    assert not Hold.objects.exists()
    give_credit(formosa, "1")
    assert ask(pbx, call_id="one").decision == "allow"
    assert DeniedCall.objects.get().caller == MEI


def test_a_limit_that_was_reached_is_told_once_a_day(
    pbx: Source, rich: Organisation
) -> None:
    """11: it may be somebody who uses the telephone system unasked."""
    limit(concurrent_calls=1, currency="USD", daily_spend=700_000)
    for at in (MORNING, MORNING, MORNING + timedelta(days=1)):
        for _ in range(2):
            ask(pbx, at=at)
    notices = Notice.objects.filter(kind="call_limit_reached")
    alice = notices.filter(recipient="alice@formosa.example").order_by("pk")
    assert [notice.context["what"] for notice in alice] == ["too_many_calls"] * 2
    assert alice[0].context["line"] == "mei"


def test_a_denial_for_money_has_the_recharge_looked_at(
    pbx: Source, formosa: Organisation
) -> None:
    """9.2: armed and below its trigger, so a recharge is wanted."""
    Wallet.objects.filter(pk=formosa.pk).update(trigger=1_000_000, recharge_wanted=True)
    ask(pbx)
    assert [task.func() for task in OrmQ.objects.all()] == [NUDGE]
