"""Reads the lots of many wallets at once, light and in burn order."""

from collections.abc import Collection
from datetime import datetime

from credits.draw import LATE_USAGE, LotView
from credits.models import Lot


def read_live_lots(
    organisation_ids: Collection[int], *, at: datetime
) -> dict[int, list[LotView]]:
    """By organisation, the lots that may still pay something; one statement.

    An expired lot is among them while late records may draw from it (rule 3.8).
    """
    by_organisation: dict[int, list[LotView]] = {pk: [] for pk in organisation_ids}
    rows = (
        Lot.objects.live()
        .filter(organisation__in=by_organisation, expires_at__gt=at - LATE_USAGE)
        .order_by("organisation_id", "expires_at", "id")
        .values_list("organisation_id", "id", "kind", "remaining", "expires_at")
    )
    for organisation_id, pk, kind, remaining, expires_at in rows:
        by_organisation[organisation_id].append(
            LotView(pk, kind, remaining, expires_at)
        )
    return by_organisation
