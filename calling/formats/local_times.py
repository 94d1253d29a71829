"""Places times that name no zone, also in the hour that a clock change repeats.

Pure. Of a repeated hour the reading is chosen that keeps the times in order and fits
the seconds that the sender counted; where both fit, the earlier one, and that is said.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product
from typing import NamedTuple
from zoneinfo import ZoneInfo

from calling.formats.fields import EARLIEST, LATEST
from calling.formats.record import BadRow


class Span(NamedTuple):
    """The seconds that the sender counted between two of its times."""

    start: int
    end: int
    seconds: int | None


class Placed(NamedTuple):
    times: list[datetime | None]
    is_estimated: bool


def local_time(name: str, text: str) -> datetime | None:
    """A time as written, with or without a zone; None where there is none."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError:
        raise BadRow(f"{name} is not a time such as 2026-11-22 02:00:06.") from None
    if not EARLIEST < found.year < LATEST:
        raise BadRow(f"{name} is not a plausible time.")
    return found


def place(
    times: Sequence[datetime | None],
    zone: ZoneInfo,
    spans: Sequence[Span] = (),
    *,
    near: datetime | None = None,
) -> Placed:
    """The times in UTC; `near` is when the call is known to have begun, if it is."""
    readings = [_readings(time, zone) for time in times]
    if all(len(several) == 1 for several in readings):
        return Placed([several[0] for several in readings], is_estimated=False)
    scored = sorted(
        (_misfit(chosen, spans, near), place, chosen)
        for place, chosen in enumerate(product(*readings))
    )
    best, *others = scored
    return Placed(list(best[2]), is_estimated=any(best[0] == one[0] for one in others))


def _readings(time: datetime | None, zone: ZoneInfo) -> list[datetime | None]:
    if time is None or time.tzinfo is not None:
        return [time and time.astimezone(UTC)]
    first = time.replace(tzinfo=zone, fold=0)
    again = first.replace(fold=1)
    if first.utcoffset() == again.utcoffset():
        return [first.astimezone(UTC)]
    return [first.astimezone(UTC), again.astimezone(UTC)]


def _misfit(
    times: Sequence[datetime | None], spans: Sequence[Span], near: datetime | None
) -> tuple[int, timedelta, timedelta]:
    known = [time for time in times if time is not None]
    disorder = sum(earlier > later for earlier, later in pairwise(known))
    wrong = timedelta()
    for span in spans:
        start, end = times[span.start], times[span.end]
        if start is not None and end is not None and span.seconds is not None:
            wrong += abs(end - start - timedelta(seconds=span.seconds))
    away = abs(known[0] - near) if near is not None and known else timedelta()
    return disorder, wrong, away
