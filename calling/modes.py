"""In which billing mode an organisation was when a call started (rules 1.2 and 8)."""

from collections.abc import Collection
from datetime import datetime
from typing import TypeAlias

from accounts.models import BillingMode, BillingModePeriod
from credits.bulk import read_rows

NCE = BillingMode.NCE.value
Modes: TypeAlias = dict[int, list[tuple[str, datetime, datetime | None]]]


def read_modes(organisation_ids: Collection[int]) -> Modes:
    """By organisation its periods, the newest first; one query."""
    modes: Modes = {}
    rows = (
        BillingModePeriod.objects.filter(organisation__among=set(organisation_ids))
        .order_by("organisation_id", "-starts_at")
        .values_list("organisation_id", "billing_mode", "starts_at", "ends_at")
    )
    for organisation_id, mode, starts_at, ends_at in read_rows(rows):
        modes.setdefault(organisation_id, []).append((mode, starts_at, ends_at))
    return modes


def mode_at(modes: Modes, organisation_id: int, at: datetime) -> str:
    """The mode at a moment, '' before the organisation was opened."""
    for mode, starts_at, ends_at in modes.get(organisation_id, ()):
        if starts_at <= at and (ends_at is None or at < ends_at):
            return mode
    return ""
