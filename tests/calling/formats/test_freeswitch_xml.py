"""FreeSWITCH's XML: the JSON's twin in every wrapping; nothing in it reaches out."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from calling.digest import digest_of
from calling.formats import freeswitch, freeswitch_xml
from calling.formats.record import CallRecordIn, RowError
from tests.calling.formats.reading import (
    PROFILE,
    by_id,
    record_of,
    records_of,
    refused,
    rows_of,
    sample,
    skipped,
    told,
)

DOCUMENT = b"<cdr" + sample("freeswitch-xml").split(b"<cdr", 2)[1].split(b"<?xml")[0]
AS_JSON: dict[str, Any] = {
    "variables": {
        "uuid": "happy",
        "accountcode": "FORMOSA",
        "billsec": "123",
        "sip_call_id": "a1b2c3%40192.0.2.10",
    },
    "callflow": {
        "caller_profile": {
            "caller_id_number": "+886223456789",
            "destination_number": "+81312345678",
            "context": "default",
        },
        "times": {
            "created_time": "1795312800000000",
            "answered_time": "1795312806000000",
            "hangup_time": "1795312929000000",
        },
    },
}


def test_xml_and_json_give_the_same_record() -> None:
    (twin,) = freeswitch.parse(json.dumps(AS_JSON).encode(), PROFILE)
    assert isinstance(twin, CallRecordIn)
    record = record_of("freeswitch-xml", DOCUMENT)
    assert digest_of(record) == digest_of(twin)
    assert told(replace(record, body="")) == told(replace(twin, body=""))


@pytest.mark.parametrize("space", ["%20", "+"])
def test_every_encoding_gives_the_same_record(space: str) -> None:
    """`encode` true, base64 (as shipped), textxml and false."""
    quoted = quote(DOCUMENT.decode()).replace("%20", space).encode()
    bodies = {
        "application/x-www-form-urlencoded": b"cdr=" + quoted,
        "application/x-www-form-base64-encoded": b"cdr=" + base64.b64encode(DOCUMENT),
        "text/xml": DOCUMENT,
        "": DOCUMENT,
    }
    digests = set()
    for content_type, body in bodies.items():
        (record,) = freeswitch_xml.parse(body, PROFILE, content_type)
        assert isinstance(record, CallRecordIn), record
        digests.add(digest_of(record))
    assert len(digests) == 1


def test_a_body_that_is_not_base64_is_refused() -> None:
    form = "application/x-www-form-base64-encoded"
    (row,) = freeswitch_xml.parse(b"cdr=<cdr/>", PROFILE, form)
    assert isinstance(row, RowError)
    assert row.reason == "The body is not base64."


def test_values_are_decoded_once() -> None:
    assert record_of("freeswitch-xml", DOCUMENT).callee_raw == "+81312345678"
    assert record_of("freeswitch-xml", DOCUMENT).call_id == "a1b2c3@192.0.2.10"
    twice = DOCUMENT.replace(b"a1b2c3%40", b"a1b2c3%2540")
    assert record_of("freeswitch-xml", twice).call_id == "a1b2c3%40192.0.2.10"


def test_the_mark_of_the_a_leg_is_no_part_of_the_id() -> None:
    assert by_id("freeswitch-xml", "transferred").source_record_id == "transferred"


def test_a_transferred_call_is_billed_once_by_its_first_leg() -> None:
    record = by_id("freeswitch-xml", "transferred")
    assert (record.callee, record.billable_seconds) == ("+81312345678", 60)


def test_the_leg_that_was_called_is_not_billed_unless_the_source_says() -> None:
    assert skipped("freeswitch-xml", sample("freeswitch-xml")) == 1
    every = records_of(
        "freeswitch-xml", sample("freeswitch-xml"), replace(PROFILE, all_legs=True)
    )
    assert "b-leg" in {record.source_record_id for record in every}


def test_zero_means_that_it_did_not_happen_and_zero_seconds_were_answered() -> None:
    assert by_id("freeswitch-xml", "unanswered").answered_at is None
    zero = by_id("freeswitch-xml", "zero")
    assert (zero.answered_at is None, zero.billable_seconds) == (False, 0)


def test_the_direction_is_the_contexts_never_the_channels() -> None:
    """The channel says "inbound" of a call that a desk phone makes."""
    assert b"<direction>inbound" in DOCUMENT
    assert record_of("freeswitch-xml", DOCUMENT).direction == "outbound"
    elsewhere = DOCUMENT.replace(b">default<", b">elsewhere<")
    assert record_of("freeswitch-xml", elsewhere).direction == ""
    profile = replace(PROFILE, direction_map={"elsewhere": "inbound"})
    assert record_of("freeswitch-xml", elsewhere, profile).direction == "inbound"
    profile = replace(PROFILE, direction_map={"*": "inbound"})
    assert record_of("freeswitch-xml", elsewhere, profile).direction == "inbound"
    assert record_of("freeswitch-xml", DOCUMENT, profile).direction == "outbound"


REFUSED = "The document declares a type or an entity; that is refused."


def laughs() -> bytes:
    more = [f'<!ENTITY lol{n} "{f"&lol{n - 1};" * 10}">' for n in range(1, 10)]
    entities = "".join(['<!ENTITY lol0 "ha">', *more])
    prolog = f"<?xml version='1.0'?><!DOCTYPE cdr [{entities}]>"
    return prolog.encode() + DOCUMENT.replace(b"FORMOSA", b"&lol9;")


def test_a_billion_laughs_are_refused() -> None:
    assert refused("freeswitch-xml", laughs()) == [REFUSED]


def test_a_file_from_outside_is_never_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("BOXED")
    prolog = f'<!DOCTYPE cdr [<!ENTITY boxed SYSTEM "{secret.as_uri()}">]>'
    data = prolog.encode() + DOCUMENT.replace(b"FORMOSA", b"&boxed;")
    (row,) = rows_of("freeswitch-xml", data)
    assert isinstance(row, RowError)
    assert row.reason == REFUSED
    assert "BOXED" not in row.body
    outside = f'<!DOCTYPE cdr SYSTEM "{secret.as_uri()}">'.encode() + DOCUMENT
    assert refused("freeswitch-xml", outside) == [REFUSED]


def test_what_follows_a_refused_document_is_read() -> None:
    assert len(records_of("freeswitch-xml", laughs() + DOCUMENT)) == 1


def test_an_undeclared_entity_is_an_error() -> None:
    (reason,) = refused("freeswitch-xml", DOCUMENT.replace(b"FORMOSA", b"&boxed;"))
    assert reason.startswith("This is not XML: undefined entity")


def test_a_document_that_is_cut_off_costs_itself_alone() -> None:
    rows = rows_of("freeswitch-xml", DOCUMENT[:300] + b"\n" + DOCUMENT)
    assert [type(row) for row in rows] == [RowError, CallRecordIn]
    assert [row.line for row in rows] == [1, 3]


def test_a_document_without_end_is_given_up() -> None:
    data = b"<cdr><variables>" + b"x" * 3_000_000 + b"</cdr>" + DOCUMENT
    pieces = [data[n : n + 65536] for n in range(0, len(data), 65536)]
    rows = rows_of("freeswitch-xml", pieces)
    assert [type(row) for row in rows] == [RowError, CallRecordIn]


def test_elements_within_elements_without_end_are_refused() -> None:
    deep = b"<cdr>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</cdr>"
    assert refused("freeswitch-xml", deep) == ["Elements are nested more than 20 deep."]


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "iso-8859-1"])
def test_a_declared_charset_is_read_and_kept_as_text(codec: str) -> None:
    text = f'<?xml version="1.0" encoding="{codec}"?>\n' + DOCUMENT.decode().replace(
        "FORMOSA", "FORMÖSA"
    )
    record = record_of("freeswitch-xml", text.encode(codec))
    assert record.account_code == "FORMÖSA"
    assert record.body.startswith("<cdr")


def test_the_wrong_charset_is_refused() -> None:
    (reason,) = refused("freeswitch-xml", DOCUMENT.replace(b"FORMOSA", b"FORM\xd6SA"))
    assert reason.startswith("This is not XML: not well-formed")
    unknown = b'<?xml version="1.0" encoding="klingon"?>' + DOCUMENT
    assert len(refused("freeswitch-xml", unknown)) == 1


def test_documents_may_stand_in_one_list() -> None:
    data = b"<?xml version='1.0'?>\n<cdrs>\n" + DOCUMENT * 3 + b"</cdrs>\n"
    assert len(records_of("freeswitch-xml", data)) == 3
    assert refused("freeswitch-xml", data) == []


def test_ten_thousand_documents_are_read() -> None:
    data = b"".join(DOCUMENT.replace(b"happy", b"h%d" % n) for n in range(10_000))
    assert (
        len({r.source_record_id for r in records_of("freeswitch-xml", data)}) == 10_000
    )
