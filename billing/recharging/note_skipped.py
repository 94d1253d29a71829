"""Writes down why a recharge was skipped: a row per reason and day, counted up.

Reaching a limit is announced, once per limit and period (rule 5.4). The caller holds
the wallets' locks.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from accounts.models import Organisation
from billing.models import SkippedRecharge
from billing.recharging.recharge_caps import ANNOUNCED
from billing.recharging.tell_recharges import Reached, tell_capped
from credits.money import Micros

# A wallet that waits for a person is looked at each minute; that is not all news.
NOTED_EVERY = timedelta(minutes=10)


class Skip(NamedTuple):
    """A wallet below its trigger that is not charged; `until` where that is known."""

    organisation_id: int
    code: str
    zone: ZoneInfo
    currency: str
    monthly_limit: Micros
    until: datetime | None = None


def note_skipped(skips: Sequence[Skip], *, at: datetime) -> None:
    if not skips:
        return
    known = _known(skips)
    new, again = [], []
    for skip in skips:
        day = at.astimezone(skip.zone).date()
        row = known.get((skip.organisation_id, skip.code, day))
        if row is None:
            new.append((skip, day))
        elif row.last_at <= at - NOTED_EVERY:
            row.times, row.last_at = row.times + 1, at
            again.append(row)
    SkippedRecharge.objects.bulk_create(
        SkippedRecharge(
            organisation_id=skip.organisation_id,
            reason=skip.code,
            day=day,
            first_at=at,
            last_at=at,
        )
        for skip, day in new
    )
    SkippedRecharge.objects.bulk_update(again, ["times", "last_at"])
    _announce([skip for skip, _day in new if skip.code in ANNOUNCED], at=at)


def _known(skips: Sequence[Skip]) -> dict[tuple[int, str, object], SkippedRecharge]:
    rows = SkippedRecharge.objects.filter(
        organisation__in={skip.organisation_id for skip in skips},
        reason__in={skip.code for skip in skips},
    )
    # The newest last, so that today's row is the one that is found.
    return {
        (row.organisation_id, row.reason, row.day): row
        for row in rows.order_by("day").iterator()
    }


def _announce(skips: Sequence[Skip], *, at: datetime) -> None:
    capped = {skip.organisation_id: skip for skip in skips}
    for organisation in Organisation.objects.filter(pk__in=capped):
        skip = capped[organisation.pk]
        if skip.until is not None:
            reached = Reached(skip.code, skip.monthly_limit, skip.until)
            tell_capped(organisation, reached, at=at)
