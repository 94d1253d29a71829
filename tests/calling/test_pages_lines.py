"""Lines and numbers: pages, history, limits, and files in and out (rule 1.4)."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, Organisation, Role, User
from calling.models import Bucket, Licence, Line, MinutePool, NumberAssignment, Source
from calling.number_history import end_number
from calling.save_line import change_line, entry_of
from tests.calling.plans import make_plan, signed_in, take
from tests.calling.telephony import (
    counted_statements,
    give_number,
    make_line,
    make_record,
    take_in,
)
from tests.makers import make_member, make_user

pytestmark = pytest.mark.usefixtures("card")

FACTS = {
    "name": "Ken",
    "kind": "person",
    "identity": "ken",
    "usage_country": "TW",
    "department": "Sales",
    "monthly_warning": "40",
    "monthly_limit": "50",
    "may_spend_credits": "on",
    "is_active": "on",
}


@pytest.fixture
def client(alice: User, formosa: Organisation) -> Client:
    return signed_in(alice)


def plain(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return plain(answer.text)


def exported(client: Client) -> bytes:
    return client.get("/lines/lines.csv").getvalue()


def hand_in(client: Client, raw: bytes) -> str:
    file = SimpleUploadedFile("lines.csv", raw)
    answer = client.post("/lines/import/", {"file": file})
    return plain(answer.text)


# --- lines ----------------------------------------------------------------------------


def test_a_line_is_added_and_changed(client: Client, formosa: Organisation) -> None:
    answer = client.post("/lines/add/", FACTS)
    line = Line.objects.get()
    assert answer["Location"] == f"/lines/{line.pk}/"
    assert (line.monthly_warning, line.monthly_limit) == (40_000_000, 50_000_000)
    client.post(f"/lines/{line.pk}/", {**FACTS, "name": "Kenji", "monthly_limit": ""})
    line.refresh_from_db()
    assert (line.name, line.monthly_limit) == ("Kenji", None)
    event = AuditEvent.objects.get(verb="change_line")
    assert event.before is not None
    assert event.before["name"] == "Ken"
    client.post(f"/lines/{line.pk}/", {**FACTS, "name": "Kenji", "monthly_limit": ""})
    assert AuditEvent.objects.filter(verb="change_line").count() == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"identity": "MEI"}, "Another line of this organisation has this identity."),
        ({"monthly_limit": "30"}, "The warning comes before the stop"),
        ({"monthly_limit": "lots"}, "Enter an amount such as"),
        ({"name": ""}, "This field is required."),
        ({"usage_country": "XX"}, "Select a valid choice."),
    ],
)
def test_what_is_wrong_is_said_beside_it(
    client: Client, mei: Line, changes: dict[str, str], sentence: str
) -> None:
    answer = client.post("/lines/add/", {**FACTS, **changes})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert Line.objects.get() == mei


def test_lines_are_found_by_name_department_and_number(
    client: Client, formosa: Organisation, mei: Line
) -> None:
    make_line(formosa, identity="ken", department="Sales")
    for words, seen, hidden in (
        ("mei", "mei", "ken"),
        ("23456", "mei", "ken"),
        ("sales", "ken", "mei"),
    ):
        text = text_of(client, f"/lines/?q={words}")
        assert f" {seen} " in text
        assert f" {hidden} " not in text
    assert "No line matches." in text_of(client, "/lines/?q=nobody")


def test_a_line_shows_its_month_beside_its_limit(
    client: Client, formosa: Organisation, mei: Line, pbx: Source
) -> None:
    now = timezone.now()
    take_in(pbx, make_record("a", seconds=3600, at=now), at=now)
    Line.objects.update(monthly_warning=1_000_000, monthly_limit=2_000_000)
    text = text_of(client, f"/lines/{mei.pk}/")
    assert "US$1.26" in text
    assert "Warning reached" in text
    assert "1.26 of 2.00" in text_of(client, "/lines/")


def test_a_move_to_another_country_moves_the_minutes(
    formosa: Organisation, mei: Line, pbx: Source
) -> None:
    take(formosa, make_plan(minutes={Bucket.DOMESTIC: 30}), mei)
    now = timezone.now()
    take_in(pbx, make_record("a", callee="+886212345678", at=now), at=now)
    entry = entry_of(mei)
    change_line(mei, type(entry)(**{**vars(entry), "usage_country": "JP"}), at=now)
    pool = MinutePool.objects.get()
    assert (pool.granted_seconds, pool.remaining_seconds) == (60, 0)


# --- numbers --------------------------------------------------------------------------


def test_rule_1_4_a_number_changes_hands_and_keeps_its_history(
    client: Client, formosa: Organisation, mei: Line
) -> None:
    ken = make_line(formosa, identity="ken")
    taken = client.post(f"/lines/{ken.pk}/numbers/", {"number": "+886223456789"})
    assert taken.status_code == 409
    assert "+886223456789 is assigned at that time." in taken.text
    first = NumberAssignment.objects.get()
    client.post(f"/lines/numbers/{first.pk}/end/")
    client.post(f"/lines/{ken.pk}/numbers/", {"number": "02 2345 6789"})
    first.refresh_from_db()
    second = NumberAssignment.objects.get(line=ken)
    assert second.number == first.number
    assert first.ends_at is not None
    assert first.ends_at <= second.starts_at
    assert "+886223456789" in text_of(client, f"/lines/{mei.pk}/")
    ended = end_number(first, at=timezone.now() + timedelta(days=1))
    assert ended.ends_at == first.ends_at


def test_a_number_that_is_none_is_refused(client: Client, mei: Line) -> None:
    for number in ("911", "abc", "+12", ""):
        answer = client.post(f"/lines/{mei.pk}/numbers/", {"number": number})
        assert answer.status_code == 422
    assert NumberAssignment.objects.count() == 1


def test_service_numbers_are_added_and_ended(
    client: Client, formosa: Organisation
) -> None:
    given = {"number": "+886800123456", "service_kind": "toll_free", "is_bridge": "on"}
    client.post("/lines/numbers/", given)
    found = NumberAssignment.objects.get()
    assert (found.service_kind, found.is_bridge, found.line) == (
        "toll_free",
        True,
        None,
    )
    text = text_of(client, "/lines/numbers/")
    assert "toll-free number · conference bridge" in text
    assert client.post("/lines/numbers/", given).status_code == 409
    client.post(f"/lines/numbers/{found.pk}/end/")
    found.refresh_from_db()
    assert found.ends_at is not None


def test_a_licence_is_given_on_the_line_s_page(
    client: Client, formosa: Organisation, mei: Line
) -> None:
    found = take(formosa, make_plan(), quantity=1)
    client.post(f"/lines/{mei.pk}/licences/", {"subscription": found.pk})
    licence = Licence.objects.get(line=mei)
    answer = client.post(f"/plans/licences/{licence.pk}/release/", {"back": "line"})
    assert answer["Location"] == f"/lines/{mei.pk}/"
    other = client.post(f"/lines/{mei.pk}/licences/", {"subscription": "x"})
    assert other.status_code == 404


# --- files ----------------------------------------------------------------------------


def test_what_goes_out_comes_in_unchanged(
    client: Client, formosa: Organisation, mei: Line
) -> None:
    """Cells that a spreadsheet would run go out harmless and come back as they were."""
    make_line(formosa, "+886255550002", identity="=cmd()", department="+sum(A1)")
    Line.objects.filter(pk=mei.pk).update(
        name="-1+1", monthly_warning=1_500_000, monthly_limit=200_000_000
    )
    raw = exported(client)
    assert b"'=cmd()" in raw
    assert b"'-1+1" in raw
    assert b",+886255550002" in raw
    before = list(Line.objects.order_by("pk").values())
    text = hand_in(client, raw)
    assert "Lines as they were 2" in text
    assert "Rows refused 0" in text
    assert list(Line.objects.order_by("pk").values()) == before
    assert NumberAssignment.objects.count() == 2


def test_a_file_adds_and_changes_and_says_what_it_refused(
    client: Client, formosa: Organisation, contoso: Organisation, mei: Line
) -> None:
    give_number(contoso, "+886277770001", line=make_line(contoso))
    raw = (
        b"name,identity,usage_country,numbers,may_spend_credits,kind,monthly_limit\n"
        b"Mei Lin,MEI,tw,+886223456789 +886255550003,no,,\n"
        b"Ken,ken,JP,,,room,12.5\n"
        b",nameless,TW,,,,\n"
        b"Odd,odd,TW,,perhaps,,\n"
        b"Robot,robot,TW,,,android,\n"
        b"Rich,rich,TW,,,,lots\n"
        b"Again,KEN,TW,,,,\n"
        b"Thief,thief,TW,+886277770001,,,\n"
        b"Far,far,Taiwan,,,,\n"
    )
    text = hand_in(client, raw)
    assert "Lines added 1" in text
    assert "Lines changed 1" in text
    assert "Numbers given 1" in text
    for row, reason in (
        (4, "name: is empty."),
        (5, "may_spend_credits: write yes or no."),
        (6, "kind: android is none of person, room, bot."),
        (7, "monthly_limit: Enter an amount"),
        (8, "identity: KEN stands in the file already."),
        (9, "+886277770001 is assigned at that time."),
        (10, "usage_country: "),
    ):
        assert re.search(rf"{row} +{re.escape(reason)}", text), (row, text)
    mei.refresh_from_db()
    assert (mei.name, mei.may_spend_credits) == ("Mei Lin", False)
    mine = Line.objects.filter(organisation=formosa)
    assert set(mine.values_list("identity", flat=True)) == {"MEI", "ken"}
    assert mine.get(identity="ken").monthly_limit == 12_500_000


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"\xff\xfe\x00", "The file is not UTF-8 text."),
        (b"name,phone\nx,1\n", "The file has no column identity, usage_country."),
        (b"", "The submitted file is empty."),
    ],
)
def test_what_is_no_file_of_lines_is_refused(
    client: Client, raw: bytes, sentence: str
) -> None:
    assert sentence in hand_in(client, raw)
    assert not Line.objects.exists()


# --- who may --------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
def test_roles_see_lines_and_those_who_buy_change_them(
    formosa: Organisation, mei: Line, role: Role
) -> None:
    user = make_user()
    make_member(formosa, user, role)
    client = signed_in(user)
    may = role in {Role.OWNER, Role.BILLING_ADMIN}
    number = NumberAssignment.objects.get()
    for address in ("/lines/", f"/lines/{mei.pk}/", "/lines/numbers/"):
        assert client.get(address).status_code == 200
    assert ("Change the line" in client.get(f"/lines/{mei.pk}/").text) == may
    for address in ("/lines/add/", "/lines/import/"):
        assert (client.get(address).status_code == 200) == may
    for address in (
        f"/lines/{mei.pk}/",
        f"/lines/{mei.pk}/numbers/",
        f"/lines/{mei.pk}/licences/",
        f"/lines/numbers/{number.pk}/end/",
        "/lines/numbers/",
    ):
        assert (client.post(address).status_code != 403) == may, address


def test_another_organisation_finds_nothing(
    charlie: User, contoso: Organisation, mei: Line
) -> None:
    client = signed_in(charlie)
    number = NumberAssignment.objects.get()
    assert client.get(f"/lines/{mei.pk}/").status_code == 404
    for address in (
        f"/lines/{mei.pk}/",
        f"/lines/{mei.pk}/numbers/",
        f"/lines/{mei.pk}/licences/",
        f"/lines/numbers/{number.pk}/end/",
    ):
        assert client.post(address, FACTS).status_code == 404, address
    assert " mei " not in text_of(client, "/lines/")
    assert b"mei" not in exported(client)


def test_more_lines_ask_no_more(client: Client, formosa: Organisation) -> None:
    def count() -> int:
        with counted_statements() as statements:
            client.get("/lines/")
        return len(statements)

    make_line(formosa, "+886255550100")
    client.get("/lines/")
    before = count()
    for number in range(5):
        make_line(formosa, f"+88625555020{number}")
    assert count() == before
