"""The staff page about jobs says which line of the timetable is late."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import JobRun, User
from config.schedule import SCHEDULE
from config.timetable import due_by, read_timetable
from tests import makers

PAGE = "/admin/accounts/jobrun/"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAILY = "20 3 * * *"
MINUTELY = "* * * * *"
LINE = SCHEDULE[0]

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(client: Client, settings: Settings) -> User:
    settings.STAFF_NEED_SECOND_FACTOR = False
    root = User.objects.create_superuser("root@provider.example", "correct horse")
    client.force_login(root)
    return root


def ran(name: str, *, at: datetime, first: datetime | None = None) -> JobRun:
    return JobRun.objects.create(
        name=name, first_started_at=first or at, started_at=at, succeeded_at=at
    )


def late(at: datetime) -> set[str]:
    return {job.line.function for job in read_timetable(at) if job.is_late}


def text_of(client: Client) -> str:
    page = client.get(PAGE)
    assert page.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.content.decode())).split())


@pytest.mark.parametrize(
    ("cron", "at", "due"),
    [
        (DAILY, NOW, NOW.replace(hour=3, minute=20)),
        # A run that may still be under way is not missed yet.
        (
            DAILY,
            NOW.replace(hour=3, minute=22),
            datetime(2026, 11, 23, 3, 20, tzinfo=UTC),
        ),
        (MINUTELY, NOW, NOW.replace(hour=11, minute=56)),
    ],
)
def test_success_is_expected_once_the_time_and_a_little_more_is_over(
    cron: str, at: datetime, due: datetime
) -> None:
    assert due_by(cron, at) == due


def test_every_line_is_late_while_nothing_ever_ran() -> None:
    assert late(NOW) == {line.function for line in SCHEDULE}


def test_b60_line_is_late_only_when_its_own_time_passed_without_success() -> None:
    """Missed runs are not caught up, so somebody must see them."""
    for line in SCHEDULE:
        ran(line.function, at=NOW - timedelta(seconds=30))
    assert late(NOW) == set()
    row = JobRun.objects.filter(name=LINE.function)
    row.update(succeeded_at=NOW - timedelta(days=2))
    assert late(NOW) == {LINE.function}


def test_new_line_is_not_late_before_its_first_time() -> None:
    ran("accounts.jobs.send_notices", at=NOW, first=NOW - timedelta(minutes=1))
    assert late(NOW) == set()
    assert "billing.jobs.work_waiting_events" in late(NOW + timedelta(minutes=20))


def test_page_shows_every_line_with_its_last_success(
    client: Client, root: User
) -> None:
    assert "No job has ever run" in text_of(client)
    now = timezone.now()
    for line in SCHEDULE:
        ran(line.function, at=now - timedelta(seconds=10))
    shown = text_of(client)
    assert "Every job succeeded when it was due." in shown
    for line in SCHEDULE:
        assert line.name in shown
        assert line.cron in shown
    JobRun.objects.filter(name=LINE.function).update(
        succeeded_at=now - timedelta(days=3), error="ValueError: x", failed_at=now
    )
    shown = text_of(client)
    assert "1 job is late." in shown
    assert "3 days" in shown
    assert "ValueError: x" in shown


def test_page_lists_jobs_about_one_thing_that_failed(
    client: Client, root: User
) -> None:
    run = ran("billing.jobs.work_inbox:17", at=NOW)
    assert "work_inbox" not in text_of(client)
    JobRun.objects.filter(pk=run.pk).update(error="KeyError: 'data'", failed_at=NOW)
    assert "billing.jobs.work_inbox:17" in text_of(client)


def test_staff_without_the_permission_do_not_see_it(
    client: Client, settings: Settings
) -> None:
    settings.STAFF_NEED_SECOND_FACTOR = False
    client.force_login(makers.make_user("support@provider.example", is_staff=True))
    assert client.get(PAGE).status_code == 403
