"""Reads samples and texts through the formats, as a command would."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from calling.digest import digest_of
from calling.formats.columns import ColumnProfile
from calling.formats.documents import Row
from calling.formats.record import CallRecordIn, Profile, RowError, SkippedLeg
from calling.formats.registry import parse_stream

SAMPLES = Path(__file__).parent / "samples"
SAMPLE_OF = {
    "generic-csv": "generic.csv",
    "freeswitch-xml": "freeswitch.xml",
    "asterisk-csv": "asterisk.csv",
    "kamailio": "kamailio.jsonl",
    "graph-pstn": "graph-pstn.json",
    "graph-direct-routing": "graph-direct-routing.json",
    "teams-export": "PSTN.calls.2026-11-22.csv",
    "direct-routing-csv": "DirectRouting.calls.2026-11-22.csv",
    "twilio": "twilio.json",
}
PROFILE = Profile(slug="pbx", home_country="TW")


def sample(name: str) -> bytes:
    return (SAMPLES / SAMPLE_OF[name]).read_bytes()


def profile_with(*, zone: str = "UTC", **columns: Any) -> Profile:
    """The usual source with another zone or column profile."""
    return replace(PROFILE, zone=ZoneInfo(zone), columns=ColumnProfile.of(columns))


def in_pieces(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def rows_of(
    name: str, data: bytes | Iterable[bytes], profile: Profile = PROFILE
) -> list[Row]:
    pieces = [data] if isinstance(data, bytes) else data
    return list(parse_stream(name, pieces, profile))


def records_of(
    name: str, data: bytes | Iterable[bytes], profile: Profile = PROFILE
) -> list[CallRecordIn]:
    return [
        row for row in rows_of(name, data, profile) if isinstance(row, CallRecordIn)
    ]


def record_of(name: str, data: bytes, profile: Profile = PROFILE) -> CallRecordIn:
    """The one record of a file without errors."""
    (row,) = rows_of(name, data, profile)
    assert isinstance(row, CallRecordIn), row
    return row


def refused(name: str, data: bytes, profile: Profile = PROFILE) -> list[str]:
    """The reasons of the rows that are no records."""
    return [
        row.reason for row in rows_of(name, data, profile) if isinstance(row, RowError)
    ]


def skipped(name: str, data: bytes) -> int:
    return sum(isinstance(row, SkippedLeg) for row in rows_of(name, data))


def told(record: CallRecordIn) -> dict[str, Any]:
    """Everything that a record says, wherever in its file it stood."""
    return asdict(record) | {"line": 0, "digest": digest_of(record)}


def by_id(name: str, record_id: str) -> CallRecordIn:
    """The sample's first record of this id."""
    found = [
        record
        for record in records_of(name, sample(name))
        if record_id in record.source_record_id
    ]
    return found[0]
