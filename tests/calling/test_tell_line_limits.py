"""A line's monthly limit warns at 80 and at 100 %, once a month (rules 1.4 and 11)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Notice, NoticeKind, Organisation
from accounts.send import send_due_notices
from calling.jobs import tell_limits
from calling.line_months import keep_line_months
from calling.models import Line, LineMonth, Source
from calling.save_line import change_line, entry_of
from calling.tell_line_limits import tell_line_limits
from tests.calling.telephony import give_credit, make_record, take_in

pytestmark = pytest.mark.usefixtures("card")

NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)
NEAR, REACHED = NoticeKind.LINE_LIMIT_NEAR, NoticeKind.LINE_LIMIT_REACHED
CENT = 10_000


@pytest.fixture(autouse=True)
def funds(formosa: Organisation) -> None:
    give_credit(formosa, "1")


def limit(line: Line, *, cents: int | None, warning: int | None = None) -> None:
    line.refresh_from_db()
    entry = replace(
        entry_of(line),
        monthly_limit=cents * CENT if cents is not None else None,
        monthly_warning=warning * CENT if warning is not None else None,
    )
    change_line(line, entry, at=NOON)


def talk(pbx: Source, *, cents: int, hour: int = 0) -> datetime:
    """A call at two cents a minute, and the sweep after it."""
    at = NOON + timedelta(hours=hour)
    seconds = 30 * cents
    record = make_record(callee="+886212345678", seconds=seconds, at=at)
    end = at + timedelta(seconds=seconds)
    take_in(pbx, record, at=end)
    tell_line_limits(0, end)
    return end


def told() -> list[str]:
    seen: dict[str, str] = {}
    for notice in Notice.objects.filter(kind__in=[NEAR, REACHED]).order_by("pk"):
        seen.setdefault(notice.episode, notice.kind)
    return list(seen.values())


def test_eighty_per_cent_and_all_are_each_told_once(pbx: Source, mei: Line) -> None:
    limit(mei, cents=100)
    talk(pbx, cents=78)
    assert told() == []
    talk(pbx, cents=2, hour=2)
    assert told() == [NEAR]
    talk(pbx, cents=10, hour=3)
    assert told() == [NEAR]
    at = talk(pbx, cents=10, hour=4)
    assert told() == [NEAR, REACHED]
    talk(pbx, cents=10, hour=5)
    assert told() == [NEAR, REACHED]
    send_due_notices(at)
    near, *_, reached = [message.subject for message in mail.outbox]
    assert near == "mei nears its monthly limit"
    assert reached == "mei reached its monthly limit"
    assert "have cost US$0.80 this month and passed US$0.80." in str(
        mail.outbox[0].body
    )
    assert "starts anew on 1 April 2026" in str(mail.outbox[0].body)


def test_the_line_s_own_warning_comes_first(pbx: Source, mei: Line) -> None:
    limit(mei, cents=100, warning=10)
    talk(pbx, cents=10)
    assert told() == [NEAR]


def test_a_warning_alone_stops_nothing_and_tells_once(pbx: Source, mei: Line) -> None:
    limit(mei, cents=None, warning=10)
    talk(pbx, cents=10)
    talk(pbx, cents=90, hour=1)
    assert told() == [NEAR]


def test_both_at_once_are_the_last_one(pbx: Source, mei: Line) -> None:
    limit(mei, cents=10)
    talk(pbx, cents=40)
    assert told() == [REACHED]


def test_next_month_it_starts_anew(pbx: Source, mei: Line) -> None:
    limit(mei, cents=10)
    talk(pbx, cents=10)
    talk(pbx, cents=2, hour=24 * 25)
    assert told() == [REACHED]
    talk(pbx, cents=8, hour=24 * 25 + 1)
    assert told() == [REACHED, REACHED]


def test_rule_11_it_is_told_again_once_it_had_cleared_by_ten_per_cent(
    pbx: Source, mei: Line
) -> None:
    limit(mei, cents=20)
    talk(pbx, cents=18)
    at = NOON + timedelta(hours=2)
    record = {"callee": "+886212345678", "at": at}
    for seconds in (60, 600, 60, 30):  # one record, told four times
        take_in(pbx, make_record("a", seconds=seconds, **record), at=at)  # type: ignore[arg-type]
        tell_line_limits(0, at)
    assert told() == [NEAR, REACHED]
    take_in(pbx, make_record("b", seconds=600, **record), at=at)  # type: ignore[arg-type]
    tell_line_limits(0, at + timedelta(seconds=1))
    assert told() == [NEAR, REACHED]


def test_another_limit_is_told_of_anew(pbx: Source, mei: Line) -> None:
    limit(mei, cents=10)
    talk(pbx, cents=10)
    limit(mei, cents=40)
    talk(pbx, cents=20, hour=1)
    assert told() == [REACHED]
    talk(pbx, cents=2, hour=2)
    assert told() == [REACHED, NEAR]


def test_a_correction_counts_once(pbx: Source, mei: Line) -> None:
    limit(mei, cents=20)
    take_in(pbx, make_record("a", callee="+886212345678", seconds=600, at=NOON))
    take_in(pbx, make_record("a", callee="+886212345678", seconds=60, at=NOON))
    tell_line_limits(0, NOON + timedelta(hours=1))
    assert told() == []


def test_what_the_plan_pays_and_lines_without_a_limit_are_not_told(
    pbx: Source, mei: Line
) -> None:
    talk(pbx, cents=40)
    assert told() == []


def test_only_lines_that_called_since_are_looked_at(pbx: Source, mei: Line) -> None:
    at = talk(pbx, cents=10)
    limit(mei, cents=10)
    assert tell_line_limits(10**9, at) == (0, 10**9)
    assert tell_line_limits(0, at)[0] == 1


def test_the_job_runs_and_goes_on_where_it_left_off(pbx: Source, mei: Line) -> None:
    limit(mei, cents=10)
    tell_limits()
    assert told() == []


def test_what_a_limited_line_spent_is_kept_and_read_not_added_up(
    pbx: Source, mei: Line
) -> None:
    limit(mei, cents=100)
    talk(pbx, cents=50)
    kept = LineMonth.objects.get()
    assert (kept.line, kept.spent) == (mei, 50 * CENT)
    with CaptureQueriesContext(connection) as sent:
        talk(pbx, cents=30, hour=1)
    sums = [one["sql"] for one in sent if "SUM" in one["sql"]]
    assert not [sql for sql in sums if "pool_amount" in sql]
    kept.refresh_from_db()
    assert kept.spent == 80 * CENT
    assert told() == [NEAR]


def test_a_line_with_a_warning_alone_keeps_no_month(pbx: Source, mei: Line) -> None:
    limit(mei, cents=None, warning=10)
    talk(pbx, cents=10)
    assert told() == [NEAR]
    assert not LineMonth.objects.exists()


def test_a_line_that_lost_its_limit_meanwhile_gets_no_month(
    pbx: Source, mei: Line
) -> None:
    limit(mei, cents=100)
    limit(mei, cents=None)
    keep_line_months(mei.organisation_id, [mei.pk], NOON.date().replace(day=1))
    assert not LineMonth.objects.exists()
