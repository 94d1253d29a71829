"""Switches and exporters over HTTP, each in its own words; settled as it is stored."""

import base64
import io
import json
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from accounts.models import Organisation, Scope
from calling.models import CallRecord, Charge, RawRecord, RejectedRow, Source
from tests.calling.telephony import MORNING, charge_of, give_credit, make_source
from tests.calling.test_api import give_key

pytestmark = pytest.mark.usefixtures("card", "mei")

END = MORNING + timedelta(seconds=123)
FORM = "application/x-www-form-urlencoded"
BASE64_FORM = "application/x-www-form-base64-encoded"
SAMPLES = Path(__file__).parent / "formats" / "samples"


@pytest.fixture
def secret(pbx: Source) -> str:
    return give_key(pbx)


def post(
    kind: str, body: str | bytes, secret: str, content_type: str = "", **headers: str
) -> Any:
    headers.setdefault("Authorization", f"Bearer {secret}")
    return Client().post(
        f"/api/v1/ingest/{kind}",
        body,
        content_type=content_type or "application/json",
        headers=headers,
    )


def counts(answer: Any) -> dict[str, int]:
    """What is not nothing."""
    assert answer.status_code == 200, answer.content
    told = dict(answer.json())
    rejected = len(told.pop("rejected"))
    return {name: n for name, n in {**told, "rejected": rejected}.items() if n}


def micros(at: datetime) -> str:
    return str(int(at.timestamp()) * 1_000_000)


# --- FreeSWITCH -----------------------------------------------------------------------


def json_document(uuid: str = "a", *, seconds: int = 123) -> str:
    return json.dumps(
        {
            "core-uuid": "5d0b",
            "a new field": {"of": "a later version"},
            "variables": {"uuid": uuid, "billsec": str(seconds), "unheard_of": "1"},
            "callflow": {
                "caller_profile": {
                    "caller_id_number": "+886223456789",
                    "destination_number": "+81312345678",
                    "context": "default",
                },
                "times": {
                    "created_time": micros(MORNING),
                    "answered_time": micros(MORNING),
                    "hangup_time": micros(MORNING + timedelta(seconds=seconds)),
                },
            },
        }
    )


def xml_document(uuid: str = "a") -> str:
    return (
        f"<cdr><variables><uuid>{uuid}</uuid><billsec>123</billsec></variables>"
        "<callflow><caller_profile><caller_id_number>%2B886223456789"
        "</caller_id_number><destination_number>%2B81312345678</destination_number>"
        "<context>default</context></caller_profile><times>"
        f"<created_time>{micros(MORNING)}</created_time>"
        f"<answered_time>{micros(MORNING)}</answered_time>"
        f"<hangup_time>{micros(END)}</hangup_time></times></callflow></cdr>"
    )


def plain(document: str) -> tuple[str, str]:
    return document, "application/json"


def form(document: str) -> tuple[str, str]:
    return f"cdr={quote(document, safe='')}", FORM


def base64_form(document: str) -> tuple[str, str]:
    return f"cdr={base64.b64encode(document.encode()).decode()}", BASE64_FORM


WRAPPINGS = [plain, form, base64_form]
Wrap = Callable[[str], tuple[str, str]]


@pytest.mark.parametrize("wrap", WRAPPINGS)
@pytest.mark.parametrize(
    ("kind", "document"),
    [("freeswitch", json_document()), ("freeswitch-xml", xml_document())],
)
def test_freeswitch_is_read_in_all_three_encodings(
    secret: str, formosa: Organisation, kind: str, document: str, wrap: Wrap
) -> None:
    give_credit(formosa, "1")
    answer = post(f"{kind}?uuid=a", *_with(secret, wrap(document)))
    assert counts(answer) == {"stored": 1}
    # 123 seconds are three minutes at 0.021.
    assert charge_of("a").credit_amount == 63_000
    assert RawRecord.objects.get().state == "settled"


def _with(secret: str, wrapped: tuple[str, str]) -> tuple[str, str, str]:
    body, content_type = wrapped
    return body, secret, content_type


def test_encodings_of_one_call_are_one_call(secret: str) -> None:
    for wrap in WRAPPINGS:
        answer = post("freeswitch", *_with(secret, wrap(json_document())))
        assert answer.status_code == 200
    assert counts(answer) == {"duplicates": 1}
    assert Charge.objects.count() == 1


def test_another_telling_is_a_correction(secret: str) -> None:
    post("freeswitch", json_document(), secret)
    answer = post("freeswitch", json_document(seconds=30), secret)
    assert counts(answer) == {"corrections": 1}
    assert charge_of("a").revision == 2


def test_a_switch_may_sign_in_with_basic(secret: str) -> None:
    credentials = base64.b64encode(f"{secret}:x".encode()).decode()
    answer = post(
        "freeswitch", json_document(), "", Authorization=f"Basic {credentials}"
    )
    assert counts(answer) == {"stored": 1}


def test_a_leg_that_is_not_billed_is_skipped(secret: str) -> None:
    document = json.loads(json_document())
    document["callflow"]["caller_profile"]["originator"] = {"uuid": "b"}
    assert counts(post("freeswitch", json.dumps(document), secret)) == {"skipped": 1}
    assert not RawRecord.objects.exists()


# --- the others -----------------------------------------------------------------------


def asterisk_row(uniqueid: str = "1773108000.1") -> str:
    times = [f"{at:%Y-%m-%d %H:%M:%S}" for at in (MORNING, MORNING, END)]
    cells = ["", "+886223456789", "+81312345678", "outbound", "", "PJSIP/100-00000012"]
    cells += ["PJSIP/trunk-00000013", "Dial", "", *times, "123", "123", "ANSWERED"]
    cells += ["DOCUMENTATION", uniqueid, "", "", uniqueid, "1"]
    return ",".join(f'"{cell}"' for cell in cells)


def test_asterisk_hands_in_lines(secret: str) -> None:
    body = f"{asterisk_row()}\n{asterisk_row('1773108000.2')}"  # no end of line
    assert counts(post("asterisk", body, secret, "text/csv")) == {"stored": 2}
    assert counts(post("asterisk", body, secret, "text/csv")) == {"duplicates": 2}


def half(method: str, at: datetime) -> str:
    told = {
        "time": int(at.timestamp()),
        "method": method,
        "from_tag": "f",
        "to_tag": "t",
        "callid": "x",
        "sip_code": "200",
        "src_user": "+886223456789",
        "dst_user": "+81312345678",
        "src_ip": "192.0.2.20",
    }
    return json.dumps(told)


@pytest.mark.parametrize("order", [("INVITE", "BYE"), ("BYE", "INVITE")])
def test_kamailios_second_half_settles_the_call_at_once(
    secret: str, order: tuple[str, str]
) -> None:
    times = {"INVITE": MORNING, "BYE": END}
    first, second = (half(method, times[method]) for method in order)
    assert counts(post("kamailio", first, secret)) == {"waiting": 1}
    assert not CallRecord.objects.exists()
    assert counts(post("kamailio", second, secret)) == {"stored": 1}
    assert CallRecord.objects.get().billable_seconds == 123
    assert not RawRecord.objects.filter(state="waiting").exists()
    assert counts(post("kamailio", first, secret)) == {"duplicates": 1}
    assert Charge.objects.count() == 1


def test_kamailios_answered_event_bills_nothing(secret: str) -> None:
    event = {
        "event": "answered",
        "authorization_id": "auth_1",
        "call_id": "x",
        "from": "+886223456789",
        "to": "+81312345678",
        "invited_at": "1773108000.1",
        "answered_at": "1773108006.1",
        "ended_at": "",
        "reason": "",
    }
    assert counts(post("kamailio", json.dumps(event), secret)) == {"skipped": 1}


TEAMS_HEADER = (
    "UsageId,Call ID,UPN,Caller ID,Call Type,Destination Number,Start Time,End Time,"
    "Duration Seconds,Capability,A later column\n"
)


def teams_csv() -> str:
    times = [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (MORNING, END)]
    return (
        f"{TEAMS_HEADER}6f1f,55@x,mei,+886223456789,user_out,+81312345678,"
        f"{times[0]},{times[1]},123,MCOPSTNPP,1\n"
    )


def test_a_teams_export_is_taken_as_file_and_as_zip(secret: str) -> None:
    assert counts(post("teams-export", teams_csv(), secret, "text/csv")) == {
        "stored": 1
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("PSTN.calls.2026-03-10.csv", teams_csv())
    answer = post("teams-export", packed.getvalue(), secret, "application/zip")
    assert counts(answer) == {"duplicates": 1}


@pytest.mark.parametrize(
    ("address", "sample"),
    [
        ("graph-pstn", "graph-pstn.json"),
        ("graph-direct-routing", "graph-direct-routing.json"),
        ("direct-routing", "DirectRouting.calls.2026-11-22.csv"),
        ("twilio", "twilio.json"),
        ("generic-csv", "generic.csv"),
    ],
)
def test_every_other_format_has_an_address_and_a_repeat_changes_nothing(
    secret: str, address: str, sample: str
) -> None:
    body = (SAMPLES / sample).read_bytes()
    kind = "text/csv" if sample.endswith("csv") else "application/json"
    first = post(address, body, secret, kind)
    assert first.status_code == 200
    taken = RawRecord.objects.count()
    assert taken > 0
    again = post(address, body, secret, kind)
    assert again.json()["duplicates"] >= taken
    assert again.json()["stored"] == again.json()["waiting"] == 0
    assert RawRecord.objects.count() == taken


# --- what is refused ------------------------------------------------------------------


def test_what_cannot_be_read_is_kept_and_refused(secret: str) -> None:
    answer = post("freeswitch", '{"variables": {}}', secret)
    assert (answer.status_code, answer.json()["code"]) == (422, "not_valid")
    assert "callflow is missing" in answer.json()["detail"]
    row = RejectedRow.objects.get()
    assert (row.origin, row.source.slug if row.source else "") == (
        "API, freeswitch-json, pbx",
        "pbx",
    )
    post("freeswitch", '{"variables": {}}', secret)
    assert RejectedRow.objects.count() == 1


@pytest.mark.parametrize(
    "kind", ["freeswitch", "freeswitch-xml", "asterisk", "kamailio", "teams-export"]
)
def test_an_empty_body_is_refused(secret: str, kind: str) -> None:
    assert post(kind, b"", secret).status_code == 422


def test_good_rows_are_stored_beside_bad_ones(secret: str) -> None:
    answer = post("asterisk", f"{asterisk_row()}\nno,call\n", secret)
    assert counts(answer) == {"stored": 1, "rejected": 1}
    assert answer.json()["rejected"][0]["line"] == 2


def test_a_record_without_owner_waits_and_is_acknowledged(secret: str) -> None:
    document = json_document().replace("+886223456789", "+886299999999")
    assert counts(post("freeswitch", document, secret)) == {"waiting": 1}
    assert RawRecord.objects.get().reason == "no_owner"


def test_the_organisation_may_be_named_in_a_header(
    secret: str, formosa: Organisation
) -> None:
    document = json_document().replace("+886223456789", "+886299999999")
    answer = post("freeswitch", document, secret, **{"X-Organization": "formosa"})
    assert counts(answer) == {"stored": 1}
    assert CallRecord.objects.get().organisation == formosa


def test_only_a_key_of_a_source_hands_in(secret: str, formosa: Organisation) -> None:
    assert post("freeswitch", json_document(), "tg_test_no").status_code == 401
    own = give_key(None, organisation=formosa, scope=Scope.BALANCE_READ)
    assert post("freeswitch", json_document(), own).status_code == 403
    loose = give_key(None)
    answer = post("freeswitch", json_document(), loose)
    assert (answer.status_code, answer.json()["code"]) == (403, "key_has_no_source")
    assert not RawRecord.objects.exists()


def test_the_key_decides_the_source(secret: str) -> None:
    other = give_key(make_source("sbc"))
    post("freeswitch", json_document(), secret)
    post("freeswitch", json_document(), other)
    assert set(RawRecord.objects.values_list("source__slug", flat=True)) == {
        "pbx",
        "sbc",
    }


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100)
def test_a_body_that_is_too_large_is_refused(secret: str) -> None:
    answer = post("freeswitch", json_document(), secret)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_what_is_acknowledged_is_not_in_the_future(secret: str) -> None:
    """The clock of the request judges, not that of the record."""
    late = timezone.now() + timedelta(days=2)
    document = json_document().replace(micros(MORNING), micros(late))
    document = document.replace(micros(END), micros(late + timedelta(seconds=123)))
    assert counts(post("freeswitch", document, secret)) == {"waiting": 1}
    assert RawRecord.objects.get().reason == "in_future"
