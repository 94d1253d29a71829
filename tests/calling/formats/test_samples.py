"""What holds of every format: pieces, order, reading again, nothing but errors."""

import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calling.digest import digest_of
from calling.formats.record import CallRecordIn, RowError, SkippedLeg
from calling.formats.registry import FORMATS, read_again
from calling.models import RawRecord
from tests.calling.formats.reading import (
    PROFILE,
    SAMPLE_OF,
    in_pieces,
    records_of,
    rows_of,
    sample,
    told,
)

EACH = pytest.mark.parametrize("name", sorted(SAMPLE_OF))
ANY_FORMAT = pytest.mark.parametrize("name", sorted(FORMATS))


def distinct(records: Iterable[CallRecordIn]) -> set[tuple[str, str]]:
    return {(record.source_record_id, digest_of(record)) for record in records}


def test_every_format_has_its_name_and_the_name_fits_its_column() -> None:
    assert set(FORMATS) == {"generic-json", "freeswitch-json", *SAMPLE_OF}
    longest = RawRecord._meta.get_field("format").max_length
    assert longest is not None
    assert max(map(len, FORMATS)) <= longest


@EACH
def test_a_sample_has_no_refused_row(name: str) -> None:
    rows = rows_of(name, sample(name))
    assert [row for row in rows if isinstance(row, RowError)] == []


@EACH
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_size_of_the_pieces_changes_nothing(name: str, size: int) -> None:
    data = sample(name)
    whole = [told(record) for record in records_of(name, data)]
    assert [told(record) for record in records_of(name, in_pieces(data, size))] == whole


@EACH
def test_what_is_kept_of_a_record_is_read_again_as_the_same(name: str) -> None:
    for record in records_of(name, sample(name)):
        assert told(read_again(name, record.body, PROFILE)) == told(record)


@EACH
def test_the_same_row_twice_is_one_record_and_another_one_a_correction(
    name: str,
) -> None:
    """The first row stands there twice, and once more with sixty seconds more."""
    records = records_of(name, sample(name))
    digests: dict[str, list[str]] = {}
    for record in records:
        digests.setdefault(record.source_record_id, []).append(digest_of(record))
    again = [several for several in digests.values() if len(several) > 1]
    assert again
    assert any(len(set(several)) == 2 for several in again)
    assert any(len(several) > len(set(several)) for several in digests.values())


@EACH
def test_order_of_arrival_changes_no_record(name: str) -> None:
    data = sample(name)
    expected = distinct(records_of(name, data))
    for seed in range(5):
        mixed = shuffled(name, data, random.Random(seed))
        assert distinct(records_of(name, mixed)) == expected


def shuffled(name: str, data: bytes, dice: random.Random) -> bytes:
    """The rows in another order, a header in its place."""
    if name in {"graph-pstn", "graph-direct-routing", "twilio"}:
        under = "calls" if name == "twilio" else "value"
        decoder, rows = json.JSONDecoder(), []
        text = data.decode()
        while text.strip():
            page, end = decoder.raw_decode(text.lstrip())
            rows += page[under]
            text = text.lstrip()[end:]
        dice.shuffle(rows)
        return json.dumps({under: rows}).encode()
    if name == "freeswitch-xml":
        documents = data.split(b"</cdr>\n")[:-1]
        dice.shuffle(documents)
        return b"".join(document + b"</cdr>\n" for document in documents)
    lines = data.splitlines(keepends=True)
    header = [] if name in {"asterisk-csv", "kamailio"} else [lines.pop(0)]
    dice.shuffle(lines)
    return b"".join([*header, *lines])


@EACH
def test_a_call_that_nobody_answered_has_no_seconds(name: str) -> None:
    unanswered = [
        record
        for record in records_of(name, sample(name))
        if record.answered_at is None and not record.waits
    ]
    assert unanswered
    assert all(record.billable_seconds == 0 for record in unanswered)
    assert any(timedelta() <= (r.ended_at - r.started_at) for r in unanswered)


@EACH
def test_what_every_sample_has(name: str) -> None:
    """Happy, masked, anonymous, emergency: in each sender's own words."""
    records = records_of(name, sample(name))
    japan = [r for r in records if r.callee == "+81312345678" and not r.waits]
    answers = [r.answered_at for r in japan if r.answered_at is not None]
    assert min(answers).replace(microsecond=0) in {
        datetime(2026, 11, 22, 2, 0, 6, tzinfo=UTC),
        datetime(2026, 11, 22, 2, 0, 25, tzinfo=UTC),
    }
    masked = [r for r in records if "masked" in r.flags.split()]
    assert {r.callee for r in masked} == {"+8131234", "+819"}
    assert {r.callee_raw for r in masked} == {"+8131234****", "+819****"}
    (anonymous,) = [r for r in records if r.caller_raw == "anonymous"]
    assert anonymous.caller is None
    assert anonymous.callee == "+886223456789"
    assert anonymous.direction in {"inbound", ""}
    emergency = [r for r in records if r.callee_raw == "119"]
    assert {(r.kind, r.callee) for r in emergency} == {("emergency", None)}


@EACH
def test_a_file_that_is_cut_off_loses_its_last_record_alone(name: str) -> None:
    data = sample(name).rstrip()
    whole = distinct(records_of(name, data + b"\n"))
    for cut in range(1, 400, 13):
        rows = rows_of(name, data[:-cut])
        found = {
            (row.source_record_id, digest_of(row))
            for row in rows
            if isinstance(row, CallRecordIn) and not row.waits
        }
        assert len(found - whole) <= 1, cut  # a digit less is another telling
        assert len(rows) > 5


@ANY_FORMAT
@given(data=st.binary(max_size=300))
def test_any_bytes_become_records_or_errors(name: str, data: bytes) -> None:
    for row in rows_of(name, data):
        assert isinstance(row, CallRecordIn | RowError | SkippedLeg)


@EACH
@given(data=st.data())
def test_a_sample_with_any_bytes_in_it_becomes_records_or_errors(
    name: str, data: st.DataObject
) -> None:
    original = sample(name)
    start = data.draw(st.integers(0, len(original)))
    length = data.draw(st.integers(0, 40))
    noise = data.draw(st.binary(max_size=40))
    spoilt = original[:start] + noise + original[start + length :]
    for row in rows_of(name, spoilt):
        assert isinstance(row, CallRecordIn | RowError | SkippedLeg)
        if isinstance(row, CallRecordIn):
            digest_of(row)
            row.body.encode()
            assert row.billable_seconds >= 0
            assert 0 < len(row.source_record_id) <= 200
            assert read_again(name, row.body, PROFILE).caller_raw == row.caller_raw


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["", "9" * 5000, "2026-11-22T02:00:06Z", "\ud800", "1e999"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)
JSON_FORMATS = {
    "kamailio": 19,
    "graph-pstn": 3,
    "graph-direct-routing": 3,
    "twilio": 3,
}


@pytest.mark.parametrize("name", sorted(JSON_FORMATS))
@given(data=st.data())
def test_any_values_become_records_or_errors(name: str, data: st.DataObject) -> None:
    record = data.draw(st.sampled_from(records_of(name, sample(name))))
    documents = []
    for line in record.body.splitlines() if name == "kamailio" else [record.body]:
        fields = json.loads(line)
        key = data.draw(st.sampled_from(sorted(fields)))
        documents.append(json.dumps(fields | {key: data.draw(VALUES)}))
    for row in rows_of(name, "\n".join(documents).encode()):
        if isinstance(row, CallRecordIn):
            digest_of(row)
            assert row.billable_seconds >= 0
