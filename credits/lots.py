"""Reads the lots of many wallets at once, light and in burn order."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from credits.bulk import read_rows
from credits.draw import LATE_USAGE, LotView
from credits.models import Lot
from credits.models.wallet import LotQuerySet


def read_live_lots(
    organisation_ids: Collection[int], *, at: datetime
) -> dict[int, list[LotView]]:
    """By organisation, the lots that may still pay something; one statement.

    An expired lot is among them while late records may draw from it (rule 3.8).
    """
    live = Lot.objects.live().filter(
        organisation__in=list(organisation_ids), expires_at__gt=at - LATE_USAGE
    )
    found = _by_organisation(live)
    return {pk: found.get(pk, []) for pk in organisation_ids}


def read_lots(ids: Collection[int]) -> dict[int, list[LotView]]:
    """By organisation, the named lots, whatever is left in them; one statement."""
    return _by_organisation(Lot.objects.filter(pk__in=ids))


def _by_organisation(lots: LotQuerySet) -> dict[int, list[LotView]]:
    found: dict[int, list[LotView]] = defaultdict(list)
    rows = lots.order_by("organisation_id", "expires_at", "id").values_list(
        "organisation_id", "id", "kind", "remaining", "expires_at"
    )
    for organisation_id, *facts in read_rows(rows):
        found[organisation_id].append(LotView(*facts))
    return found
