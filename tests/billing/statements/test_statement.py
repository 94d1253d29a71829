"""A statement goes by booked entries and adds up (rules 10.1 and 10.5)."""

from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.models import Notice, NoticeKind, Organisation, User
from billing.models import Document
from billing.statements.read_statement import (
    Statement,
    months_of,
    read_statement,
    statement_rows,
)
from billing.statements.tell_statements import tell_statements
from credits.expire import expire_due_lots
from credits.money import to_micros
from credits.spend import spend
from tests import makers
from tests.calling.plans import signed_in

pytestmark = pytest.mark.django_db
MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
# April begins in Taipei when sixteen hours of the last of March are over in UTC.
TURN = datetime(2026, 3, 31, 16, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def moved(formosa: Organisation) -> Organisation:
    """Fifty dollars in March, of which twenty expire with it; calls around its end."""
    makers.make_lot(formosa, "30", at=TURN - 20 * DAY)
    makers.make_lot(formosa, "20", at=TURN - 19 * DAY, expires_at=TURN - DAY)
    use(formosa, "5.006", TURN - 10 * DAY)
    use(formosa, "1.005", TURN - timedelta(seconds=1))
    use(formosa, "2", TURN)
    return formosa


def use(organisation: Organisation, amount: str, at: datetime) -> None:
    micros = to_micros(amount)
    name = f"call:{int(at.timestamp())}#1"
    spend(organisation, amount=micros, reference=name, started_at=at, at=at)


def sums(statement: Statement) -> dict[str, int]:
    return {one.name: one.amount for one in statement.movements}


def test_it_adds_up_and_goes_on_where_the_last_one_ended(moved: Organisation) -> None:
    """10.1: by the day of booking, where the organisation is."""
    march = read_statement(moved, MARCH, at=TURN + DAY)
    assert (march.opening, march.closing) == (0, to_micros("43.989"))
    assert sums(march) == {
        "added": to_micros(50),
        "used": -to_micros("6.011"),
        "expired": 0,
    }
    april = read_statement(moved, APRIL, at=TURN + DAY)
    assert april.opening == march.closing
    assert (april.closing, april.is_over) == (to_micros("41.989"), False)


def test_what_is_shown_adds_up_too(moved: Organisation) -> None:
    march = read_statement(moved, MARCH, at=TURN)
    cent = 10_000
    shown = sum(one.shown for one in march.movements)
    assert shown == march.closing - march.closing % cent
    rows = statement_rows(march)
    assert sum(row.shown for row in rows) == shown
    assert [row.balance_after for row in rows][-1] == march.closing
    assert [str(row.kind) for row in rows] == ["promotional"] * 2 + ["spend"] * 2


def test_expired_but_not_posted_is_said(moved: Organisation) -> None:
    """10.1: what waits for late calls is still in the closing balance."""
    march = read_statement(moved, MARCH, at=TURN)
    assert march.expired == to_micros("14.994")  # twenty less the call before
    expire_due_lots(TURN + 3 * DAY)
    assert read_statement(moved, MARCH, at=TURN + 4 * DAY).expired == march.expired
    april = read_statement(moved, APRIL, at=TURN + 4 * DAY)
    assert (sums(april)["expired"], april.expired) == (-march.expired, 0)


def test_a_month_in_which_nothing_moved(moved: Organisation) -> None:
    january = read_statement(moved, date(2026, 1, 1), at=TURN)
    assert (january.opening, january.closing, statement_rows(january)) == (0, 0, [])
    may = read_statement(moved, date(2026, 5, 1), at=TURN + 70 * DAY)
    assert may.opening == may.closing == to_micros("41.989")
    assert months_of(moved, TURN)[::-1] == [
        date(2026, month, 1) for month in (1, 2, 3, 4)
    ]


def test_pages_files_and_documents(moved: Organisation, bob: User) -> None:
    """10.5: page, CSV and PDF; the document is rendered once."""
    client = signed_in(bob)
    assert "/statements/2026-03/" in client.get("/statements/").content.decode()
    page = client.get("/statements/2026-03/").content.decode()
    for text in ("Statement for March 2026", "US$43.98", "Closing balance", "US$14.99"):
        assert text in page
    table = b"".join(client.get("/statements/2026-03/statement.csv")).decode()
    assert table.count("\r\n") == 5
    assert "spend,-5.006000,44.994000,USD" in table
    first = client.get("/statements/2026-03/statement.pdf")
    assert first.content.startswith(b"%PDF")
    again = client.get("/statements/2026-03/statement.pdf")
    assert again.content == first.content
    assert Document.objects.get().reference == "statement:2026-03"


@pytest.mark.parametrize("month", ["2025-12", "2999-01", "2026-13", "march"])
def test_months_that_there_are_none_of(
    moved: Organisation, bob: User, month: str
) -> None:
    client = signed_in(bob)
    for tail in ("", "statement.csv", "statement.pdf"):
        assert client.get(f"/statements/{month}/{tail}").status_code == 404


def test_strangers_see_their_own(moved: Organisation, charlie: User) -> None:
    assert signed_in(charlie).get("/statements/2026-03/").status_code in {302, 404}


def test_it_is_told_once_when_the_month_is_over(moved: Organisation) -> None:
    """11: where the organisation is; never to those who have no balance."""
    makers.make_organisation()
    assert tell_statements(TURN - timedelta(seconds=1)) == 0
    assert (tell_statements(TURN), tell_statements(TURN + DAY)) == (1, 0)
    notice = Notice.objects.get(kind=NoticeKind.STATEMENT_READY)
    assert notice.context == {"month": "2026-03-01", "path": "/statements/2026-03/"}
    assert tell_statements(TURN + 4 * DAY) == 0
