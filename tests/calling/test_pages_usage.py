"""The usage page and the page of a call: the filter, the sums, the reasons."""

import csv
import io
import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client

from accounts.models import BillingMode, Organisation, User
from calling.call_list import CallFilter, read_call_page
from calling.explain_call import explain_call
from calling.models import Bucket, CallRecord, Line, RateCardVersion, Source
from calling.spend_shares import month_so_far, read_spend_shares
from calling.spenders import read_departments, read_top_spenders
from credits.money import to_micros
from tests.calling.telephony import (
    MORNING,
    charge_of,
    give_credit,
    give_plan,
    make_card,
    make_line,
    make_record,
    take_in,
)

MARCH = "first=2026-03-01&last=2026-03-31"
DAY = MORNING.date()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def client(alice: User, formosa: Organisation) -> Client:
    return signed_in(alice)


@pytest.fixture
def calls(
    formosa: Organisation, card: RateCardVersion, pbx: Source, mei: Line
) -> Organisation:
    """Three calls from Mei: Tokyo, a Japanese mobile, and one nobody answered."""
    give_credit(formosa, "10")
    take_in(
        pbx,
        make_record("tokyo", seconds=125),
        make_record("mobile", seconds=31, callee="+819012345678"),
        make_record("silent", answered=False, at=MORNING + timedelta(minutes=5)),
    )
    return formosa


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return unescape(re.sub(r"\s+", " ", answer.text))


def address_of(record_id: str) -> str:
    return f"/usage/{CallRecord.objects.get(source_record_id=record_id).pk}/"


# --- the list ---------------------------------------------------------------------


def test_calls_of_the_period_are_listed_and_summed(
    client: Client, calls: Organisation
) -> None:
    text = text_of(client, f"/usage/?{MARCH}")
    assert "3 calls" in text
    # 3 minutes at 0.021; 36 seconds at 0.11.
    assert "US$0.129" in text
    assert "0.063" in text
    assert "0.066" in text
    assert "Place 8190" in text
    assert "10 Mar 10:00" in text


def test_the_period_is_the_organisations_own_days(
    client: Client, calls: Organisation, pbx: Source
) -> None:
    midnight = MORNING.replace(hour=0) - timedelta(hours=8)  # in Taipei
    take_in(
        pbx,
        make_record("first", at=midnight),
        make_record("before", at=midnight - timedelta(seconds=1)),
    )
    assert "4 calls" in text_of(client, "/usage/?first=2026-03-10&last=2026-03-10")
    assert "1 call" in text_of(client, "/usage/?first=2026-03-09&last=2026-03-09")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("destination=Place+8190", 1),
        ("kind=international", 3),
        ("kind=domestic", 0),
        ("paid_by=credit", 2),
        ("paid_by=nobody", 1),
        ("paid_by=pool", 0),
        ("paid_by=debt", 0),
        ("paid_by=postpaid", 0),
    ],
)
def test_the_filter_narrows_list_and_sums(
    client: Client, calls: Organisation, query: str, count: int
) -> None:
    text = text_of(client, f"/usage/?{MARCH}&{query}")
    assert re.search(rf"<h2 id=\"h-sums\"[^>]*>{count} call", text)
    if not count:
        assert "No calls in this period." in text
        assert "Show all calls of the period" in text


def test_calls_of_one_line(
    client: Client, calls: Organisation, pbx: Source, mei: Line
) -> None:
    other = make_line(calls, "+886223456700", identity="lin")
    take_in(pbx, make_record("lin", caller="+886223456700"))
    assert "3 calls" in text_of(client, f"/usage/?{MARCH}&line={mei.pk}")
    assert "1 call" in text_of(client, f"/usage/?{MARCH}&line={other.pk}")


@pytest.mark.parametrize(
    "query",
    [
        "first=2026-03-10&last=2026-03-01",
        "first=2020-01-01&last=2026-03-01",
        "first=yesterday",
        "kind=gossip",
        "line=999999",
        "destination=Atlantis",
        "last=9999-12-31",
    ],
)
def test_a_filter_that_fits_nothing_is_refused_beside_its_field(
    client: Client, calls: Organisation, query: str
) -> None:
    answer = client.get(f"/usage/?{query}")
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_long_lists_are_paged_and_sums_are_of_all(
    formosa: Organisation, card: RateCardVersion, pbx: Source, mei: Line
) -> None:
    give_credit(formosa, "10")
    records = [make_record(at=MORNING + timedelta(minutes=n)) for n in range(120)]
    take_in(pbx, *records)
    march = CallFilter(DAY, DAY)
    first = read_call_page(formosa, march, page=1)
    last = read_call_page(formosa, march, page=99)
    assert (first.pages, len(first.rows), first.before, first.after) == (3, 50, None, 2)
    assert (last.number, len(last.rows), last.after) == (3, 20, None)
    assert first.totals == last.totals
    assert first.totals.cost == 120 * to_micros("0.021")
    assert first.rows[0].started_at == MORNING + timedelta(minutes=119)


def test_a_corrected_call_is_listed_once_as_it_stands(
    client: Client, calls: Organisation, pbx: Source
) -> None:
    take_in(pbx, make_record("tokyo", seconds=61))
    text = text_of(client, f"/usage/?{MARCH}")
    assert "3 calls" in text
    assert "0.042" in text
    assert "0.063" not in text


def test_the_table_alone_answers_htmx(client: Client, calls: Organisation) -> None:
    answer = client.get(f"/usage/?{MARCH}", headers={"HX-Request": "true"})
    assert "<html" not in answer.text
    assert 'id="calls"' in answer.text
    assert "HX-Request" in answer["Vary"]


def test_calls_download_with_exact_amounts(client: Client, calls: Organisation) -> None:
    answer = client.get(f"/usage/calls.csv?{MARCH}&destination=Place+8190")
    content = b"".join(answer.streaming_content).decode("utf-8")  # type: ignore[attr-defined]
    [row] = csv.DictReader(io.StringIO(content.removeprefix("\ufeff")))
    assert row["callee"] == "+819012345678"
    assert row["started_at_local"] == "2026-03-10 10:00:00"
    assert (row["seconds"], row["billed_seconds"]) == ("31", "36")
    assert (row["cost"], row["paid_by_credits"]) == ("0.066000", "0.066000")


# --- one call ---------------------------------------------------------------------


def test_a_call_explains_its_cost_in_steps_that_add_up(
    client: Client, calls: Organisation
) -> None:
    text = text_of(client, address_of("mobile"))
    assert "Call to +819012345678" in text
    assert "The number begins with 8190" in text
    assert "“Place 8190” on the list Standard" in text
    assert "The call lasted 0:31." in text
    assert "at least 30 s and after that in steps of 6 s, which makes 0:36" in text
    assert "36 s × US$0.1100 ÷ 60" in text
    assert text.count("US$0.066") >= 3
    assert "Promotional credit" in text
    assert "expires 1 Jan 2027" in text


def test_fee_and_time_make_the_cost(
    client: Client, calls: Organisation, pbx: Source
) -> None:
    take_in(pbx, make_record("uk", callee="+447500123456", seconds=60))
    explained = explain_call(CallRecord.objects.get(source_record_id="uk"))
    assert explained is not None
    charge = explained.charge
    assert explained.time_amount + charge.connect_fee == charge.rated_amount
    assert not explained.is_minimum
    assert sum(part.amount for part in explained.lots) == charge.credit_amount


def test_a_call_that_several_pay_names_each_part(
    client: Client, formosa: Organisation, card: RateCardVersion, pbx: Source, mei: Line
) -> None:
    give_plan(mei, {Bucket.INTERNATIONAL: 1})
    give_credit(formosa, "0.03", months=3)
    give_credit(formosa, "0.02", months=4)
    take_in(pbx, make_record("shared", seconds=600))
    charge = charge_of("shared")
    text = text_of(client, address_of("shared"))
    assert charge.pool_seconds == 60
    for amount in ("0.021", "0.03", "0.02", "0.139", "0.21"):
        assert f"US${amount}" in text
    assert "Plan minutes" in text
    assert "Beyond the balance" in text
    assert text.count("Promotional credit") == 2


def test_an_unanswered_call_says_that_it_is_free(
    client: Client, calls: Organisation
) -> None:
    text = text_of(client, address_of("silent"))
    assert "Nobody answered" in text
    assert "Nobody, it is free" in text


def test_a_correction_is_shown_with_what_it_replaced(
    client: Client, calls: Organisation, pbx: Source
) -> None:
    take_in(pbx, make_record("tokyo", seconds=61))
    text = text_of(client, address_of("tokyo"))
    assert "Corrected" in text
    assert "US$0.063, charged on" in text


def test_nce_call_is_billed_after_use(
    charlie: User, contoso: Organisation, card: RateCardVersion, pbx: Source
) -> None:
    make_line(contoso, "+886223000001")
    take_in(pbx, make_record("nce", caller="+886223000001"))
    text = text_of(signed_in(charlie), address_of("nce"))
    assert "Billed after use" in text


def test_another_organisations_call_is_not_found(
    calls: Organisation, charlie: User, contoso: Organisation
) -> None:
    client = signed_in(charlie)
    assert client.get(address_of("tokyo")).status_code == 404
    assert "0 calls" in text_of(client, f"/usage/?{MARCH}")
    assert contoso.mode is BillingMode.NCE


# --- where the money went ---------------------------------------------------------


def test_shares_compare_the_same_days_of_the_month_before(
    formosa: Organisation, card: RateCardVersion, pbx: Source, mei: Line
) -> None:
    give_credit(formosa, "10")
    before = MORNING - timedelta(days=28)  # 10 February
    take_in(
        pbx,
        make_record(seconds=600),
        make_record(seconds=300, at=before),
        make_record(seconds=600, at=before + timedelta(days=5)),
    )
    shares = read_spend_shares(formosa, today=DAY)
    [tokyo] = shares.by_destination
    assert (tokyo.name, tokyo.amount) == ("Place 81", to_micros("0.21"))
    assert (tokyo.change, tokyo.change_text) == (100, "+100%")
    assert [share.name for share in shares.by_line] == ["mei"]
    assert shares.span.earlier_text == "1–10 Feb"


def test_only_what_plans_do_not_cover_is_spent(
    formosa: Organisation, card: RateCardVersion, pbx: Source, mei: Line
) -> None:
    give_plan(mei, {Bucket.INTERNATIONAL: 100})
    take_in(pbx, make_record(seconds=600))
    shares = read_spend_shares(formosa, today=DAY)
    assert (shares.total, shares.by_destination) == (0, ())


def test_many_destinations_end_in_one_bar_and_the_bars_add_up(
    formosa: Organisation, pbx: Source, mei: Line
) -> None:
    rates = [{"prefix": f"81{n}", "rate": f"0.0{n}31"} for n in range(1, 8)]
    make_card(rates)
    give_credit(formosa, "10")
    take_in(pbx, *[make_record(callee=f"+81{n}12345678") for n in range(1, 8)])
    shares = read_spend_shares(formosa, today=DAY)
    assert len(shares.by_destination) == 5
    assert shares.by_destination[-1].name == "3 other destinations"
    assert shares.by_destination[-1].is_rest
    total = shares.total - shares.total % to_micros("0.01")
    assert sum(share.amount for share in shares.by_destination) == total


def test_the_end_of_a_long_month_is_compared_with_a_short_one() -> None:
    span = month_so_far(DAY.replace(day=31))
    assert (span.earlier_first.day, span.earlier_last.day) == (1, 28)
    first = month_so_far(DAY.replace(day=1))
    assert first.earlier_first == first.earlier_last


def test_pages_stand_for_an_organisation_without_calls(client: Client) -> None:
    text = text_of(client, "/usage/")
    assert "No calls in this period." in text
    assert "0 calls" in text


# --- departments and top spenders ---------------------------------------------------


@pytest.fixture
def departments(
    calls: Organisation, pbx: Source, mei: Line, formosa: Organisation
) -> Organisation:
    """Mei sells; Ken in support rings Tokyo; a lobby phone belongs to nobody."""
    mei.department = "Sales"
    mei.save()
    make_line(formosa, "+886223456700", identity="ken", department="Support")
    make_line(formosa, "+886223456701", identity="lobby")
    take_in(
        pbx,
        make_record("ken", seconds=60, caller="+886223456700"),
        make_record("lobby", seconds=60, caller="+886223456701"),
    )
    return formosa


def test_departments_are_charged_what_their_calls_cost(
    client: Client, departments: Organisation
) -> None:
    text = text_of(client, f"/usage/departments/?{MARCH}")
    assert text.index("Sales") < text.index("Support")
    assert "US$0.129" in text  # Mei's three calls
    assert text.count("US$0.021") == 2  # Ken's, and the lobby's
    assert "Without a department" in text
    assert "US$0.171000" in text  # the total


def test_departments_come_as_a_file(client: Client, departments: Organisation) -> None:
    answer = client.get(f"/usage/departments.csv?{MARCH}")
    content = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(content)))
    told = {row["department"]: (row["calls"], row["charged_back"]) for row in rows}
    assert told == {
        "Sales": ("3", "0.129000"),
        "Support": ("1", "0.021000"),
        "": ("1", "0.021000"),
    }
    assert {(row["first_day"], row["last_day"]) for row in rows} == {
        ("2026-03-01", "2026-03-31")
    }


def test_a_plans_minutes_are_not_charged_back(
    client: Client, formosa: Organisation, card: RateCardVersion, pbx: Source, mei: Line
) -> None:
    mei.department = "Sales"
    mei.save()
    give_plan(mei, {Bucket.DOMESTIC: 100})
    take_in(pbx, make_record("home", callee="+886287654321"))
    (row,) = read_departments(formosa, CallFilter(DAY, DAY))
    assert (row.totals.cost, row.totals.pool, row.totals.money) == (20_000, 20_000, 0)
    assert read_top_spenders(formosa, CallFilter(DAY, DAY)) == []


@pytest.mark.parametrize(
    ("department", "calls_shown"), [("Sales", 3), ("Support", 1), ("-", 1)]
)
def test_calls_are_filtered_by_department(
    client: Client, departments: Organisation, department: str, calls_shown: int
) -> None:
    text = text_of(client, f"/usage/?{MARCH}&department={department}")
    assert f"{calls_shown} call" in text


def test_the_lines_that_cost_most_stand_on_top(
    client: Client, departments: Organisation
) -> None:
    text = text_of(client, f"/usage/?{MARCH}")
    assert "Top spenders" in text
    wanted = CallFilter(DAY, DAY)
    spenders = read_top_spenders(departments, wanted, top=2)
    assert [(one.name, one.calls, one.amount) for one in spenders] == [
        ("mei", 3, 129_000),
        ("ken", 1, 21_000),
    ]


def test_departments_of_others_are_not_seen(
    charlie: User, contoso: Organisation, departments: Organisation
) -> None:
    answer = signed_in(charlie).get(f"/usage/departments/?{MARCH}")
    assert "Sales" not in answer.text
    assert "No calls in this period." in answer.text
