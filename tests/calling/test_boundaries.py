"""Calls across a midnight, a month, a price list; conferences across countries."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from accounts.models import Organisation
from calling.models import (
    Bucket,
    Line,
    MinutePool,
    Purpose,
    ServiceKind,
    Source,
    UsageDay,
)
from tests.calling.telephony import (
    charge_of,
    give_credit,
    give_number,
    give_plan,
    make_card,
    make_line,
    make_record,
    take_in,
)
from tests.makers import make_organisation

# A minute before April where the organisation is, eight hours ahead of UTC.
EVE = datetime(2026, 3, 31, 15, 59, tzinfo=UTC)
TAIPEI = "+886212345678"


@pytest.mark.usefixtures("card")
def test_rule_7_2_a_call_over_the_month_s_end_draws_from_the_month_of_its_start(
    pbx: Source, mei: Line
) -> None:
    give_plan(mei, {Bucket.DOMESTIC: 10})
    first = make_record("a", callee=TAIPEI, seconds=180, at=EVE)
    second = make_record(
        "b", callee=TAIPEI, seconds=60, at=EVE + timedelta(minutes=1, seconds=1)
    )
    take_in(pbx, first, second, at=EVE + timedelta(hours=1))
    march = MinutePool.objects.get(period_start=date(2026, 3, 1))
    april = MinutePool.objects.get(period_start=date(2026, 4, 1))
    assert (march.remaining_seconds, april.remaining_seconds) == (420, 540)
    assert charge_of("a").local_day == date(2026, 3, 31)
    assert charge_of("b").local_day == date(2026, 4, 1)
    days = UsageDay.objects.order_by("day").values_list("day", "seconds")
    assert list(days) == [(date(2026, 3, 31), 180), (date(2026, 4, 1), 60)]


@pytest.mark.usefixtures("card")
def test_the_first_moment_of_a_month_is_the_new_month_s(pbx: Source, mei: Line) -> None:
    give_plan(mei, {Bucket.DOMESTIC: 10})
    at = EVE + timedelta(minutes=1)
    take_in(
        pbx,
        make_record("a", callee=TAIPEI, at=at - timedelta(microseconds=1)),
        make_record("b", callee=TAIPEI, at=at),
        at=at + timedelta(hours=1),
    )
    months = MinutePool.objects.order_by("period_start")
    assert [pool.remaining_seconds for pool in months] == [540, 540]


@pytest.mark.usefixtures("card")
def test_a_late_record_of_last_month_leaves_this_month_s_minutes_alone(
    pbx: Source, mei: Line
) -> None:
    give_plan(mei, {Bucket.DOMESTIC: 2})
    late = EVE + timedelta(days=10)
    take_in(pbx, make_record("now", callee=TAIPEI, seconds=60, at=late), at=late)
    take_in(pbx, make_record("late", callee=TAIPEI, seconds=120, at=EVE), at=late)
    assert charge_of("late").pool_seconds == 120
    april = MinutePool.objects.get(period_start=date(2026, 4, 1))
    assert april.remaining_seconds == 60


def test_rule_3_7_a_call_over_a_price_change_keeps_the_price_of_its_start(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    give_credit(formosa, "90")
    make_card([{"prefix": "81", "rate": "0.02"}])
    make_card([{"prefix": "81", "rate": "0.04"}], valid_from=EVE)
    take_in(
        pbx,
        make_record("before", seconds=600, at=EVE - timedelta(minutes=5)),
        make_record("after", seconds=600, at=EVE),
        at=EVE + timedelta(hours=1),
    )
    assert charge_of("before").rated_amount == 200_000
    assert charge_of("after").rated_amount == 400_000


# --- whose country --------------------------------------------------------------------


def test_rule_6_3_a_conference_has_its_organiser_s_country(
    pbx: Source, formosa: Organisation
) -> None:
    """The bridge is Taiwanese; whoever organises decides what is domestic."""
    make_card([{"prefix": "1"}, {"prefix": "886"}])
    make_card([{"prefix": "1"}], name="Conference", purpose=Purpose.CONFERENCE)
    bridge = "+886255550000"
    give_number(formosa, bridge, service_kind=ServiceKind.TOLL, is_bridge=True)
    american = make_line(formosa, identity="ann@formosa", usage_country="US")
    taiwanese = make_line(formosa, identity="mei@formosa", usage_country="TW")
    for line in (american, taiwanese):
        added: dict[str, Any] = {"user": line.identity, "call_type": "user_out_conf"}
        number = f"{line.usage_country}-ca"
        take_in(pbx, make_record(number, caller=bridge, callee="+14165550100", **added))
        number = f"{line.usage_country}-tw"
        take_in(pbx, make_record(number, caller=bridge, callee=TAIPEI, **added))
    kinds = {
        name: charge_of(name).kind for name in ("US-ca", "US-tw", "TW-ca", "TW-tw")
    }
    assert kinds == {
        "US-ca": "domestic",
        "US-tw": "international",
        "TW-ca": "international",
        "TW-tw": "domestic",
    }


def test_the_organiser_pays_for_dialling_out_whoever_dialled(
    pbx: Source, formosa: Organisation
) -> None:
    make_card([{"prefix": "81"}], name="Conference", purpose=Purpose.CONFERENCE)
    bridge = "+886255550000"
    give_number(formosa, bridge, service_kind=ServiceKind.TOLL, is_bridge=True)
    organiser = make_line(formosa, identity="mei@formosa")
    give_plan(organiser, {Bucket.CONFERENCE: 10}, family="audio")
    out: dict[str, Any] = {"kind": "conference_out", "user": "mei@formosa"}
    take_in(pbx, make_record("a", caller=bridge, seconds=120, **out))
    charge = charge_of("a")
    assert (charge.kind, charge.line) == ("conference_out", organiser)
    assert charge.pool_seconds == 120


# --- between our own ------------------------------------------------------------------


@pytest.mark.usefixtures("card")
def test_rule_6_4_on_net_is_free_between_two_organisations_too(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    make_line(make_organisation(), "+81355550000")
    give_credit(formosa, "1")
    take_in(pbx, make_record("a", callee="+81355550000"))
    take_in(pbx, make_record("b", callee="+81355550000", trunk="sbc1"))
    assert (charge_of("a").kind, charge_of("a").rated_amount) == ("on_net", 0)
    # What left over a trunk is an ordinary call, whoever has the number.
    assert (charge_of("b").kind, charge_of("b").rated_amount) == (
        "international",
        21_000,
    )


@pytest.mark.usefixtures("card")
def test_a_number_is_on_net_only_while_somebody_has_it(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    desk = make_line(formosa)
    give_number(formosa, "+81355550000", line=desk, ends_at=EVE)
    take_in(
        pbx,
        make_record("while", callee="+81355550000", at=EVE - timedelta(seconds=1)),
        make_record("after", callee="+81355550000", at=EVE),
        at=EVE + timedelta(hours=1),
    )
    assert charge_of("while").kind == "on_net"
    assert charge_of("after").kind == "international"
