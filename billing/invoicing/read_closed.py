"""Reads how far the months of organisations are closed, and so billed (rule 10.1)."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import NamedTuple

from django.db.models import Exists, OuterRef

from billing.invoicing.read_usage import Billed
from billing.models import ClosedMonth
from calling.pool_size import next_month


class Closed(NamedTuple):
    """A closed month, as its row says; light, since thousands are read."""

    organisation_id: int
    month: date
    up_to_charge: int
    fees_through: date | None
    changes_until: datetime | None


Before = Mapping[int, Closed | None]


def closed_before(organisation_ids: Collection[int]) -> dict[int, Closed | None]:
    """By organisation the newest month that was closed, if any; one statement."""
    mine = ClosedMonth.objects.filter(organisation__among=set(organisation_ids))
    later = ClosedMonth.objects.filter(
        organisation=OuterRef("organisation"), month__gt=OuterRef("month")
    )
    found: dict[int, Closed | None] = dict.fromkeys(organisation_ids)
    newest = mine.filter(~Exists(later)).order_by()
    for row in newest.values_list(*Closed._fields):
        found[row[0]] = Closed._make(row)
    return found


def billed_by(organisation_id: int, closed: Closed | None) -> Billed:
    """What its newest closed month, if any, has billed."""
    if closed is None:
        return Billed(organisation_id, date.min, 0)
    return Billed(organisation_id, next_month(closed.month), closed.up_to_charge)
