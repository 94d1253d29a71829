"""The price list: for everybody, for an organisation, as a file; and the quote page."""

import csv
import io
import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Organisation, User
from calling.models import Bucket, Charge, Line, RateCardVersion
from calling.rates.forms import QuoteForm
from tests.calling.telephony import (
    counted_statements,
    give_credit,
    give_plan,
    make_card,
)

pytestmark = pytest.mark.usefixtures("card")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def text_of(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.text
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text)))


def lines_of(client: Client, address: str) -> list[dict[str, str]]:
    answer = client.get(address)
    assert answer.status_code == 200
    raw = answer.getvalue()
    assert raw.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))


# --- for everybody --------------------------------------------------------------------


def test_anybody_reads_the_provider_s_list_by_country() -> None:
    text = text_of(Client(), "/rates/")
    assert "Japan from US$0.0210" in text
    assert "United Kingdom from US$0.0120" in text
    assert "Who pays" not in text


def test_a_country_s_prices_say_since_when_they_hold() -> None:
    text = text_of(Client(), "/rates/?country=JP")
    assert "2 prices" in text
    assert "Place 8190 +8190 US$0.1100 30 s, then 6 s US$0.00 1 Jan 2026" in text


@pytest.mark.parametrize(
    ("number", "found"),
    [
        ("%2B447500123456", "Place 447500 +447500 US$0.3410"),
        ("%2B44 20 7946 0000", "Place 44 +44 US$0.0120"),
        ("%2B4475", "Place 44 +44 US$0.0120"),
        ("%2B1 900 555 0100", "Place 1900 +1900 not offered"),
        ("%2B33 1 23 45 67 89", "This price list has no rate for that."),
    ],
)
def test_a_number_finds_the_longest_prefix(number: str, found: str) -> None:
    assert found in text_of(Client(), f"/rates/?number={number}")


@pytest.mark.parametrize("number", ["0912345678", "hello", "%2B", "81312345678901234"])
def test_a_number_that_cannot_be_understood_is_refused_beside_its_field(
    number: str,
) -> None:
    text = text_of(Client(), f"/rates/?number={number}", 422)
    assert "Write the number with its country code" in text


@pytest.mark.parametrize(
    "query", ["country=XX", "purpose=x", "line=1&page=-1", "page=99&country=JP"]
)
def test_odd_addresses_are_answered(query: str) -> None:
    assert Client().get(f"/rates/?{query}").status_code in {200, 422}


def test_prices_that_differ_only_in_their_prefix_are_one_row() -> None:
    same = [{"prefix": f"819{n}", "destination": "Mobile"} for n in range(9)]
    make_card(same, valid_from=timezone.now() - timedelta(days=1))
    text = text_of(Client(), "/rates/?country=JP")
    assert "1 price " in text
    assert "+8190, +8191, +8192, +8193, +8194, +8195 … +8198 (9)" in text


def test_the_next_price_is_told_before_it_holds() -> None:
    later = timezone.now() + timedelta(days=20)
    make_card(
        [{"prefix": "81", "rate": "0.03"}, {"prefix": "8190", "rate": "0.11"}],
        valid_from=later,
    )
    text = text_of(Client(), "/rates/?country=JP")
    day = f"{later.day} {later:%b %Y}"
    assert f"US$0.0210 from {day} US$0.0300" in text
    assert f"from {day} not offered" in text_of(Client(), "/rates/?country=GB")


def test_a_purpose_without_a_card_says_so() -> None:
    text = text_of(Client(), "/rates/?purpose=conference")
    assert "There is no price list for this yet." in text
    assert Client().get("/rates/rates.csv?purpose=conference").status_code == 404


def test_another_currency_is_asked_for_where_there_are_several() -> None:
    assert "Currency" not in text_of(Client(), "/rates/")
    make_card([{"prefix": "49", "rate": "0.02"}], name="Euro", currency="EUR")
    assert "Germany from €0.0200" in text_of(Client(), "/rates/?currency=EUR")


def test_only_what_changed_is_sent_to_htmx() -> None:
    answer = Client().get("/rates/?country=JP", headers={"HX-Request": "true"})
    assert "<html" not in answer.text
    assert 'id="rates"' in answer.text


def test_a_price_remembers_since_when_it_has_held(card: RateCardVersion) -> None:
    same = [{"prefix": "81", "rate": "0.021", "held_since": card.valid_from}]
    make_card(same, valid_from=timezone.now() - timedelta(days=1))
    assert "1 Jan 2026" in text_of(Client(), "/rates/?number=%2B81312345678")


# --- for an organisation --------------------------------------------------------------


def test_an_own_card_is_shown_to_its_organisation_alone(
    alice: User, charlie: User, formosa: Organisation, contoso: Organisation
) -> None:
    make_card([{"prefix": "81", "rate": "0.5"}], name="Own", organisation=formosa)
    address = "/rates/?number=%2B81312345678"
    assert "US$0.5000" in text_of(signed_in(alice), address)
    for other in (signed_in(charlie), Client()):
        text = text_of(other, address)
        assert "US$0.0210" in text
        assert "0.5000" not in text
        assert "0.5" not in str(lines_of(other, "/rates/rates.csv"))


def test_the_date_from_which_an_own_card_takes_over_is_told(
    alice: User, formosa: Organisation
) -> None:
    later = timezone.now() + timedelta(days=3)
    make_card(
        [{"prefix": "81", "rate": "0.5"}],
        name="Own",
        organisation=formosa,
        valid_from=later,
    )
    address = "/rates/?number=%2B81312345678"
    day = formosa.local_day(later)
    told = f"US$0.0210 from {day.day} {day:%b %Y} US$0.5000"
    assert told in text_of(signed_in(alice), address)
    assert "0.5000" not in text_of(Client(), address)


def test_it_says_whether_the_plan_pays(
    alice: User, charlie: User, formosa: Organisation, contoso: Organisation, mei: Line
) -> None:
    now = timezone.now()
    give_plan(mei, {Bucket.DOMESTIC: 100}, at=now - timedelta(days=1))
    client = signed_in(alice)
    assert "Plan minutes → Credits" in text_of(client, "/rates/?number=0223456789")
    abroad = text_of(client, "/rates/?number=%2B81312345678")
    assert "1 Jan 2026 Who pays · Credits" in abroad
    assert "1 Jan 2026 Who pays · Free" in text_of(
        client, "/rates/?number=%2B886800123456"
    )
    after_use = text_of(signed_in(charlie), "/rates/?number=%2B81312345678")
    assert "1 Jan 2026 Who pays · Billed after use" in after_use


def test_another_organisation_s_line_is_not_offered(
    charlie: User, contoso: Organisation, mei: Line
) -> None:
    text = text_of(signed_in(charlie), f"/rates/?country=JP&line={mei.pk}", 422)
    assert mei.name not in text


# --- the file -------------------------------------------------------------------------


def test_the_file_has_every_rate_and_survives_a_spreadsheet() -> None:
    make_card(
        [
            {"prefix": "81", "rate": "0.021", "destination": "=SUM(1)"},
            {"prefix": "44", "rate": "0.012", "connect_fee": "0.05"},
        ],
        valid_from=timezone.now() - timedelta(days=1),
    )
    later = timezone.now() + timedelta(days=20)
    make_card([{"prefix": "44", "rate": "0.02"}], valid_from=later)
    uk, japan = lines_of(Client(), "/rates/rates.csv")
    assert japan["destination"] == "'=SUM(1)"
    assert (japan["prefix"], japan["rate_per_minute"]) == ("81", "0.021000")
    assert (japan["next_rate_per_minute"], japan["next_from_utc"][:10]) == (
        "",
        f"{later:%Y-%m-%d}",
    )
    assert (uk["connection_charge"], uk["currency"]) == ("0.050000", "USD")
    assert uk["next_rate_per_minute"] == "0.020000"


def test_the_file_can_be_of_one_country() -> None:
    rows = lines_of(Client(), "/rates/rates.csv?country=JP")
    assert [row["prefix"] for row in rows] == ["81", "8190"]
    (row,) = lines_of(Client(), "/rates/rates.csv?number=%2B447500123456")
    assert row["prefix"] == "447500"
    assert lines_of(Client(), "/rates/rates.csv?number=%2B33123456789") == []


# --- the quote ------------------------------------------------------------------------


def test_a_quote_tells_cost_and_payers_and_writes_nothing(
    alice: User, formosa: Organisation, mei: Line
) -> None:
    give_credit(formosa, "0.1")
    text = text_of(
        signed_in(alice), f"/rates/quote/?line={mei.pk}&to=%2B819012345678&length=2:03"
    )
    assert "US$0.231" in text
    assert "Credits 0:54 US$0.10 Beyond the balance 1:12 US$0.131" in text
    assert not Charge.objects.exists()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("to=%2B33123456789&length=5", "The rate card has no rate for this number."),
        ("to=%2B81312345678&length=x", "Write a length such as 5 or 3:20."),
        ("to=%2B81312345678&length=0", "A call lasts between a second and a day."),
        ("to=nobody&length=5", "The number cannot be understood."),
    ],
)
def test_a_quote_says_what_is_wrong_beside_the_field(
    alice: User, formosa: Organisation, mei: Line, query: str, sentence: str
) -> None:
    text = text_of(signed_in(alice), f"/rates/quote/?line={mei.pk}&{query}", 422)
    assert sentence in text


def test_a_line_without_a_number_is_quoted_by_its_identity(
    alice: User, formosa: Organisation, mei: Line
) -> None:
    mei.numbers.all().delete()
    give_plan(mei, {Bucket.INTERNATIONAL: 5}, at=timezone.now() - timedelta(days=1))
    text = text_of(
        signed_in(alice), f"/rates/quote/?line={mei.pk}&to=%2B81312345678&length=1"
    )
    assert "Plan minutes 1:00" in text


def test_the_quote_page_is_for_members_and_their_own_lines(
    charlie: User, contoso: Organisation, mei: Line
) -> None:
    assert Client().get("/rates/quote/").status_code == 302
    address = f"/rates/quote/?line={mei.pk}&to=%2B81312345678&length=1"
    assert "US$" not in text_of(signed_in(charlie), address, 422)
    assert "Show the cost" in text_of(signed_in(charlie), "/rates/quote/")


@pytest.mark.parametrize(
    ("text", "seconds"), [("5", 300), ("3:20", 200), ("1:02:05", 3725), ("0:01", 1)]
)
def test_a_length_reads_as_people_write_it(
    formosa: Organisation, mei: Line, text: str, seconds: int
) -> None:
    query = {"line": str(mei.pk), "to": "+81312345678", "length": text}
    form = QuoteForm(query, organisation=formosa)
    assert form.is_valid()
    assert form.cleaned_data["length"] == seconds


def test_a_country_s_page_asks_the_database_the_same_whatever_its_size(
    formosa: Organisation, alice: User
) -> None:
    client = signed_in(alice)
    client.get("/rates/?country=JP")
    with counted_statements() as few:
        client.get("/rates/?country=JP")
    many = [{"prefix": f"81{n}", "rate": f"0.0{n}"} for n in range(10, 60)]
    make_card(many, valid_from=timezone.now() - timedelta(days=1))
    client.get("/rates/?country=JP")
    with counted_statements() as more:
        client.get("/rates/?country=JP")
    assert len(more) == len(few)
