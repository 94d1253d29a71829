"""Reads a deck by the name of its profile, good rows apart from bad ones."""

import io
import zipfile
from collections.abc import Mapping

from calling.decks.record import NO_HINTS, DeckError, Hints, RateIn
from calling.decks.registry import PROFILES


def read(
    profile: str,
    raw: str | bytes,
    hints: Hints = NO_HINTS,
    *,
    currency: str = "USD",
    purpose: str = "calling",
) -> tuple[list[RateIn], list[tuple[int, str]]]:
    """The rates, and line and reason of each row that is none."""
    data = raw.encode() if isinstance(raw, str) else raw
    rows = list(PROFILES[profile](data, currency, purpose, hints))
    good = [row for row in rows if isinstance(row, RateIn)]
    return good, [(row.line, row.reason) for row in rows if isinstance(row, DeckError)]


def facts(rate: RateIn) -> tuple[str, int, int, int, int]:
    """Prefix, price per minute, connection charge and the two intervals."""
    return (
        rate.prefix,
        rate.rate_per_minute,
        rate.connect_fee,
        rate.interval_1,
        rate.interval_n,
    )


def zipped(sheets: Mapping[str, str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sheets.items():
            archive.writestr(name, text)
    return file.getvalue()
