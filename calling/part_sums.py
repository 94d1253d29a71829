"""Adds up who paid for some calls, part by part and currency by currency."""

from collections.abc import Collection, Iterable

from django.db.models import Sum

from calling.models import Charge
from calling.replay import Replayed
from credits.money import Micros

PARTS = ("pool", "credit", "postpaid", "debt")


def sum_parts(settled: Iterable[Replayed]) -> dict[str, dict[str, Micros]]:
    """Part → currency → amount, of these charges."""
    sums: dict[str, dict[str, Micros]] = {part: {} for part in PARTS}
    by_revision: dict[int, list[int]] = {}
    for call_id, revision in settled:
        by_revision.setdefault(revision, []).append(call_id)
    for revision, call_ids in by_revision.items():
        _add_up(sums, revision, call_ids)
    return sums


def _add_up(
    sums: dict[str, dict[str, Micros]], revision: int, call_ids: Collection[int]
) -> None:
    amounts = {f"sum_{part}": Sum(f"{part}_amount") for part in PARTS}
    rows = (
        Charge.objects.filter(call_record__among=set(call_ids), revision=revision)
        .order_by()
        .values("currency")
        .annotate(**amounts)
        .values_list("currency", *amounts)
    )
    for code, *totals in rows:
        for part, total in zip(PARTS, totals, strict=True):
            if total:
                sums[part][code] = sums[part].get(code, 0) + total
