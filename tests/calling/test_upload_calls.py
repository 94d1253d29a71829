"""Staff hand in a file once, and fetch what became of each row."""

import csv
import gzip
import io
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, Organisation, User
from calling import jobs, upload_calls
from calling.models import CallRecord, CallUpload, RejectedRow, Source
from calling.upload_calls import FileKnown, FileTooLarge, HandedIn, take_upload
from tests.calling.telephony import LATER, make_source
from tests.calling.test_admin import staff  # noqa: F401  # a fixture
from tests.calling.test_replay import document
from tests.makers import make_user

pytestmark = pytest.mark.usefixtures("card", "mei")


@pytest.fixture
def clerk(db: None) -> User:
    return make_user("clerk@example.com", is_staff=True)


def lines(*documents: Any) -> bytes:
    told = [one if isinstance(one, str) else json.dumps(one) for one in documents]
    return "\n".join(told).encode()


FILE = lines(
    document("a"),
    document("b", **{"from": "+886299990000"}),
    "{not json",
    document("a"),
    document("c", answered_at=None),
)


def hand_in(source: Source, clerk: User, raw: bytes = FILE, **more: Any) -> CallUpload:
    facts = {"organisation": None, "actor": clerk, "reason": "late file", "at": LATER}
    file = HandedIn(raw, "calls.jsonl", "generic-json")
    return take_upload(file, source, **{**facts, **more})


def result_of(upload: CallUpload) -> list[dict[str, str]]:
    assert upload.result is not None
    text = gzip.decompress(bytes(upload.result)).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_each_row_has_its_fate(pbx: Source, clerk: User) -> None:
    upload = hand_in(pbx, clerk)
    assert not CallRecord.objects.exists()  # the worker's to do
    jobs.import_upload(upload.pk)
    upload.refresh_from_db()
    assert (upload.stored, upload.waiting, upload.duplicates, upload.rejected) == (
        2,
        1,
        1,
        1,
    )
    assert upload.content is None
    fates = [(row["line"], row["status"], row["reason"]) for row in result_of(upload)]
    assert fates == [
        ("1", "stored", ""),
        ("2", "waiting", "no_owner"),
        ("3", "rejected", ""),
        ("4", "duplicate", ""),
        ("5", "stored", ""),
    ]
    assert "This is not JSON" in result_of(upload)[2]["detail"]
    assert RejectedRow.objects.get().origin == "calls.jsonl"


def test_the_same_bytes_are_taken_once(pbx: Source, clerk: User) -> None:
    hand_in(pbx, clerk)
    with pytest.raises(FileKnown, match=r"as calls.jsonl on 2026-03-10"):
        hand_in(pbx, clerk)
    assert CallUpload.objects.count() == 1
    assert AuditEvent.objects.filter(verb="upload_calls").count() == 1
    hand_in(make_source("other"), clerk)  # another source's own file
    hand_in(pbx, clerk, FILE + b"\n")


def test_the_database_insists_on_it(pbx: Source, clerk: User) -> None:
    upload = hand_in(pbx, clerk)
    upload.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        upload.save(force_insert=True)


def test_a_job_that_runs_twice_changes_nothing(pbx: Source, clerk: User) -> None:
    upload = hand_in(pbx, clerk)
    jobs.import_upload(upload.pk)
    first = CallUpload.objects.get()
    jobs.import_upload(upload.pk)
    assert CallUpload.objects.get().finished_at == first.finished_at
    assert CallRecord.objects.count() == 2


def test_a_file_of_one_organisation_needs_no_numbers(
    pbx: Source, clerk: User, formosa: Organisation
) -> None:
    raw = lines(document("z", **{"from": "+886299990000"}))
    upload = hand_in(pbx, clerk, raw, organisation=formosa)
    jobs.import_upload(upload.pk)
    assert CallRecord.objects.get().organisation == formosa


def test_a_file_has_a_limit(
    pbx: Source, clerk: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_calls, "LARGEST_FILE", 10)
    with pytest.raises(FileTooLarge):
        hand_in(pbx, clerk)
    assert not CallUpload.objects.exists()


# --- the page -------------------------------------------------------------------------


def post(client: Client, raw: bytes = FILE, **more: str) -> Any:
    form = {
        "source": "pbx",
        "format": "generic-json",
        "organisation": "",
        "reason": "The link was down",
        "file": SimpleUploadedFile("calls.jsonl", raw),
        **more,
    }
    return client.post(reverse("admin:calling_callupload_add"), form, follow=True)


def test_the_page_takes_a_file_and_gives_its_result(
    staff: Client,  # noqa: F811
    pbx: Source,
) -> None:
    assert staff.get(reverse("admin:calling_callupload_add")).status_code == 200
    assert "The file calls.jsonl is being imported" in post(staff).text
    upload = CallUpload.objects.get()
    address = reverse("admin:calling_callupload_result", args=[upload.pk])
    assert staff.get(address).status_code == 404
    upload_calls.import_upload(upload.pk, now=timezone.now)
    answer = staff.get(address)
    assert b"no_owner" in b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    shown = staff.get(reverse("admin:calling_callupload_change", args=[upload.pk]))
    assert f"result-{upload.pk}.csv" in shown.text
    assert "was handed in before" in post(staff).text


def test_the_page_is_for_staff_who_may(
    staff: Client,  # noqa: F811
    pbx: Source,
    alice: User,
) -> None:
    post(staff)
    upload = CallUpload.objects.get()
    customer = Client()
    customer.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    clerk = Client()
    clerk.force_login(make_user("new@example.com", is_staff=True))
    for address in (
        reverse("admin:calling_callupload_add"),
        reverse("admin:calling_callupload_result", args=[upload.pk]),
    ):
        assert customer.get(address).status_code in {302, 403}
        assert clerk.get(address).status_code in {302, 403}


def test_too_short_a_reason_is_refused(staff: Client, pbx: Source) -> None:  # noqa: F811
    assert "at least 10 characters" in post(staff, reason="no").text
    assert not CallUpload.objects.exists()
