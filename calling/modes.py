"""In which billing mode an organisation was when a call started (rules 1.2 and 8)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from accounts.models import BillingMode, BillingModePeriod
from credits.bulk import read_rows

NCE = BillingMode.NCE.value


class ModePeriod(NamedTuple):
    """A mode from one moment until another, or until today."""

    mode: str
    starts_at: datetime
    ends_at: datetime | None


Modes: TypeAlias = Mapping[int, Sequence[ModePeriod]]


def read_modes(organisation_ids: Collection[int]) -> Modes:
    """By organisation its periods, the newest first; one query."""
    rows = (
        BillingModePeriod.objects.filter(organisation__among=set(organisation_ids))
        .order_by("organisation_id", "-starts_at")
        .values_list("organisation_id", "billing_mode", "starts_at", "ends_at")
    )
    modes: dict[int, list[ModePeriod]] = {}
    for organisation_id, *period in read_rows(rows):
        modes.setdefault(organisation_id, []).append(ModePeriod(*period))
    return modes


def period_at(modes: Modes, organisation_id: int, at: datetime) -> ModePeriod | None:
    """The period of a moment, None before the organisation was opened."""
    for period in modes.get(organisation_id, ()):
        if period.starts_at <= at and (period.ends_at is None or at < period.ends_at):
            return period
    return None
