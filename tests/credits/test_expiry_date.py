"""Rule 3.8: calendar months in the organisation's zone, never 365 days."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits.expiry_date import expiry_of, last_day

TAIPEI = ZoneInfo("Asia/Taipei")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "issued", "expires"),
    [
        # The day of the purchase is the customer's, not UTC's.
        ("Asia/Taipei", "2026-11-22 02:00", "2027-11-22 16:00"),
        ("Asia/Taipei", "2026-11-22 17:00", "2027-11-23 16:00"),
        ("UTC", "2026-11-22 17:00", "2027-11-23 00:00"),
        # The clocks may stand differently a year on, or at the end than at the start.
        ("America/New_York", "2026-03-08 12:00", "2027-03-09 05:00"),
        ("America/New_York", "2026-11-01 12:00", "2027-11-02 04:00"),
        ("Europe/London", "2026-07-01 12:00", "2027-07-01 23:00"),
        # A leap day has no anniversary; its month's last day stands in.
        ("UTC", "2028-02-29 12:00", "2029-03-01 00:00"),
        ("UTC", "2027-02-28 12:00", "2028-02-29 00:00"),
        # The year's end.
        ("UTC", "2026-12-31 23:59", "2028-01-01 00:00"),
    ],
)
def test_credit_expires_after_the_day_twelve_months_on(
    zone: str, issued: str, expires: str
) -> None:
    assert expiry_of(utc(issued), ZoneInfo(zone)) == utc(expires)


def test_where_clocks_skip_midnight_the_day_starts_when_they_have_moved() -> None:
    """Cairo went from 23:59:59 on 27 April 2023 straight to 01:00 on the 28th."""
    expires_at = expiry_of(utc("2022-04-27 12:00"), ZoneInfo("Africa/Cairo"))
    assert expires_at == utc("2023-04-27 22:00")
    assert expires_at.astimezone(ZoneInfo("Africa/Cairo")).hour == 1


@pytest.mark.parametrize(
    ("issued", "months", "day"),
    [
        ("2026-01-31 04:00", 1, "2026-02-28"),
        ("2026-08-31 04:00", 6, "2027-02-28"),
        ("2026-11-30 04:00", 24, "2028-11-30"),
    ],
)
def test_promotional_credit_is_valid_through_the_day_months_on(
    issued: str, months: int, day: str
) -> None:
    assert last_day(utc(issued), TAIPEI, months).isoformat() == day


@given(
    issued_at=st.datetimes(
        min_value=datetime(2020, 1, 1),  # noqa: DTZ001  # hypothesis adds the zone
        max_value=datetime(2035, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
    zone=st.sampled_from(
        ["UTC", "Asia/Taipei", "America/New_York", "Pacific/Auckland", "Asia/Kathmandu"]
    ),
    months=st.integers(1, 24),
)
def test_the_last_day_is_whole_and_the_next_moment_is_not_valid(
    issued_at: datetime, zone: str, months: int
) -> None:
    expires_at = expiry_of(issued_at, ZoneInfo(zone), months)
    local = expires_at.astimezone(ZoneInfo(zone))
    assert (local.hour, local.minute, local.second) == (0, 0, 0)
    days = (local.date() - last_day(issued_at, ZoneInfo(zone), months)).days
    assert days == 1
    assert expires_at > issued_at
