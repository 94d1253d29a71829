"""Says in lines or as JSON what a preview of new rates found, for the command line."""

from collections.abc import Iterator
from typing import Any

from calling.compare_rates import LostPrefix, PriceChange
from calling.preview_rates import Preview
from credits.money import amount_text

MOST_LOST = 20


def preview_as_json(preview: Preview) -> dict[str, Any]:
    """What a dry run tells beyond the counts; amounts are texts."""
    found, traffic = preview.difference, preview.traffic
    return {
        "in_force_from": [at.isoformat() for at in preview.dates],
        "dearer": found.dearer,
        "cheaper": found.cheaper,
        "otherwise_changed": found.otherwise,
        "unchanged": found.unchanged,
        "biggest_increases": [_change(one) for one in found.increases],
        "biggest_decreases": [_change(one) for one in found.decreases],
        "prefixes_lost": [
            {
                "prefix": one.prefix,
                "destination": one.destination,
                "falls_to": one.falls_to.prefix if one.falls_to else None,
            }
            for one in found.lost
        ],
        "traffic": {
            "since": traffic.since.isoformat(),
            "calls": traffic.calls,
            "cost": amount_text(traffic.cost),
            "new_cost": amount_text(traffic.new_cost),
            "without_rate": traffic.uncovered,
            "gaps": [{"number": head, "calls": calls} for head, calls in traffic.gaps],
        },
        "scheduled": [
            {"version": one.number, "valid_from": one.valid_from.isoformat()}
            for one in preview.scheduled
        ],
    }


def _change(change: PriceChange) -> dict[str, Any]:
    return {
        "prefix": change.prefix,
        "destination": change.destination,
        "three_minutes_before": amount_text(change.before),
        "three_minutes_after": amount_text(change.after),
        "percent": change.percent,
    }


def preview_as_lines(preview: Preview) -> Iterator[str]:
    found, traffic = preview.difference, preview.traffic
    for at in preview.dates:
        yield f"In force from {at.isoformat()}."
    yield (
        f"{found.dearer} dearer, {found.cheaper} cheaper, {found.otherwise} otherwise"
        f" changed, {found.unchanged} unchanged."
    )
    for title, changes in (
        ("Dearer", found.increases),
        ("Cheaper", found.decreases),
    ):
        for change in changes:
            yield f"{title}: {_line(change)}"
    for lost in found.lost[:MOST_LOST]:
        yield f"Lost: {lost.prefix} {lost.destination}, {_instead(lost)}"
    if len(found.lost) > MOST_LOST:
        yield f"Lost: {len(found.lost) - MOST_LOST} more."
    yield (
        f"Calls since {traffic.since:%Y-%m-%d}: {traffic.calls}, cost"
        f" {amount_text(traffic.cost)}, at these rates {amount_text(traffic.new_cost)};"
        f" {traffic.uncovered} without a rate."
    )
    for head, calls in traffic.gaps:
        yield f"Without a rate: {head}…, {calls} calls."
    for version in preview.scheduled:
        date = version.valid_from.isoformat()
        yield f"{version} comes into force at {date} all the same."


def _line(change: PriceChange) -> str:
    share = change.percent
    return (
        f"{change.prefix} {change.destination}, three minutes"
        f" {amount_text(change.before)} → {amount_text(change.after)}"
        f" ({'was free' if share is None else share + ' %'})"
    )


def _instead(lost: LostPrefix) -> str:
    if lost.falls_to is None:
        return "calls will wait without a rate."
    if lost.falls_to.is_blocked:
        return f"{lost.falls_to.prefix} bars it."
    return f"{lost.falls_to.prefix} {lost.falls_to.destination} stands for it."
