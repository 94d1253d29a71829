"""A feed that falls silent gives staff one task, and another after it spoke again."""

from datetime import timedelta

import pytest
from django.core.cache import cache

from accounts.models import StaffTask
from calling import jobs
from calling.models import Source
from calling.watch_feeds import hear_feeds, tell_silent_feeds
from tests.calling.telephony import LATER, make_record, make_source, take_in

pytestmark = pytest.mark.usefixtures("card", "mei")
HOUR = timedelta(hours=1)


@pytest.fixture
def watched(pbx: Source) -> Source:
    """A switch that is expected to speak every half hour."""
    pbx.expected_every = 30
    pbx.save()
    take_in(pbx, make_record("a"), at=LATER)
    hear_feeds(0)
    return pbx


def tasks() -> list[str]:
    found = StaffTask.objects.filter(kind="feed_silent").order_by("pk")
    return list(found.values_list("detail", flat=True))


def test_a_silence_is_told_once(watched: Source) -> None:
    assert tell_silent_feeds(LATER + timedelta(minutes=30)) == 0
    assert tasks() == []
    assert tell_silent_feeds(LATER + timedelta(minutes=31)) == 1
    assert tell_silent_feeds(LATER + 5 * HOUR) == 1
    (told,) = tasks()
    assert "from pbx since 2026-03-10 08:00 UTC" in told
    assert "every 30 minutes" in told


def test_records_that_come_arm_it_again(watched: Source) -> None:
    tell_silent_feeds(LATER + HOUR)
    take_in(watched, make_record("b"), at=LATER + HOUR)
    hear_feeds(0)
    assert tell_silent_feeds(LATER + HOUR) == 0
    assert len(tasks()) == 1
    assert tell_silent_feeds(LATER + 2 * HOUR) == 1
    assert len(tasks()) == 2


def test_a_waiting_record_is_heard_too(watched: Source) -> None:
    stranger = make_record("c", caller="+886299990000")
    assert take_in(watched, stranger, at=LATER + HOUR).waiting == 1
    hear_feeds(0)
    watched.refresh_from_db()
    assert watched.heard_at == LATER + HOUR


def test_only_what_is_expected_is_missed(watched: Source) -> None:
    quiet = make_source("quiet")
    take_in(quiet, make_record("q"), at=LATER)
    make_source("never", expected_every=1)
    hear_feeds(0)
    assert tell_silent_feeds(LATER + 9 * HOUR) == 1
    assert len(tasks()) == 1


def test_an_older_record_does_not_turn_the_clock_back(watched: Source) -> None:
    take_in(watched, make_record("late"), at=LATER - HOUR)
    hear_feeds(0)
    watched.refresh_from_db()
    assert watched.heard_at == LATER


def test_the_job_goes_on_where_it_left_off(watched: Source) -> None:
    cache.clear()
    jobs.watch_feeds()
    assert len(tasks()) == 1
    jobs.watch_feeds()
    assert len(tasks()) == 1
    assert cache.get(jobs.HEARD) == 0  # within the margin
