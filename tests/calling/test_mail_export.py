"""A list of calls that is too long for one download comes as a link by e-mail."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import Notice, Organisation, User
from accounts.send import send_due_notices
from calling import jobs, mail_export, views
from calling.call_list import CallFilter
from calling.mail_export import ExportsWaiting, TooManyCalls, ask_for_export
from calling.models import Line, RateCardVersion, Source, UsageExport
from tests.calling.telephony import MORNING, give_credit, make_record, take_in
from tests.calling.test_pages_usage import signed_in

MARCH = "first=2026-03-01&last=2026-03-31"
WANTED = CallFilter(MORNING.date(), MORNING.date())


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two calls are already many."""
    monkeypatch.setattr(views, "MOST_ROWS", 2)


@pytest.fixture
def calls(
    formosa: Organisation, card: RateCardVersion, pbx: Source, mei: Line
) -> Organisation:
    give_credit(formosa, "10")
    take_in(pbx, *(make_record(f"r{n}", seconds=60 + n) for n in range(3)))
    return formosa


@pytest.fixture
def client(alice: User, calls: Organisation) -> Client:
    return signed_in(alice)


def rows_of(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def ask(client: Client, **more: str) -> Any:
    form = {"first": "2026-03-01", "last": "2026-03-31", **more}
    return client.post("/usage/exports/", form, follow=True)


def test_few_calls_are_downloaded_at_once(client: Client) -> None:
    rows = rows_of(client.get(f"/usage/calls.csv?{MARCH}&line=&kind=on_net"))
    assert rows == []
    page = client.get(f"/usage/?{MARCH}&kind=on_net")
    assert "calls.csv" in page.text
    assert "Send CSV by e-mail" not in page.text


def test_too_many_are_offered_by_mail(client: Client) -> None:
    page = client.get(f"/usage/?{MARCH}")
    assert "Send CSV by e-mail" in page.text
    assert "calls.csv" not in page.text
    answer = client.get(f"/usage/calls.csv?{MARCH}", follow=True)
    assert "too many calls for one download" in answer.text


def test_the_list_is_written_and_its_link_mailed(client: Client) -> None:
    assert "alice@formosa.example" in ask(client).text
    export = UsageExport.objects.get()
    jobs.write_export(export.pk)
    jobs.write_export(export.pk)  # a job may run twice
    assert Notice.objects.get().recipient == "alice@formosa.example"
    send_due_notices(timezone.now() + timedelta(minutes=1))
    (message,) = mail.outbox
    assert message.subject == "Your list of calls is ready"
    assert f"/usage/exports/{export.pk}/" in message.body
    assert "3 in all" in message.body
    assert "because you asked for" in message.body
    rows = rows_of(client.get(f"/usage/exports/{export.pk}/"))
    assert sorted(row["record_id"] for row in rows) == ["r0", "r1", "r2"]
    assert rows[0]["cost"] in {"0.021000", "0.042000"}


def test_the_file_follows_the_filter(client: Client, mei: Line) -> None:
    ask(client, kind="on_net", line=str(mei.pk))
    export = UsageExport.objects.get()
    assert (export.query["kind"], export.query["line_id"]) == ("on_net", mei.pk)
    jobs.write_export(export.pk)
    assert rows_of(client.get(f"/usage/exports/{export.pk}/")) == []


def test_only_members_who_signed_in_see_the_file(
    client: Client, charlie: User, contoso: Organisation
) -> None:
    ask(client)
    export = UsageExport.objects.get()
    assert client.get(f"/usage/exports/{export.pk}/").status_code == 404  # not yet
    jobs.write_export(export.pk)
    address = f"/usage/exports/{export.pk}/"
    assert "/accounts/login/" in Client().get(address)["Location"]
    assert signed_in(charlie).get(address).status_code == 404


def test_after_a_week_the_link_has_ended(client: Client) -> None:
    ask(client)
    export = UsageExport.objects.get()
    mail_export.write_export(export.pk, at=timezone.now() - timedelta(days=7))
    answer = client.get(f"/usage/exports/{export.pk}/", follow=True)
    assert "kept for seven days" in answer.text
    jobs.forget_exports()
    export.refresh_from_db()
    assert export.content is None
    assert mail_export.forget_exports(timezone.now()) == 0


def test_a_file_has_a_limit(
    calls: Organisation, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_export, "MOST_CALLS", 2)
    with pytest.raises(TooManyCalls, match="at most 2 calls"):
        ask_for_export(calls, WANTED, asked_by=alice, at=MORNING)
    assert not UsageExport.objects.exists()


def test_nobody_queues_without_end(calls: Organisation, alice: User) -> None:
    for _ in range(3):
        ask_for_export(calls, WANTED, asked_by=alice, at=MORNING)
    with pytest.raises(ExportsWaiting):
        ask_for_export(calls, WANTED, asked_by=alice, at=MORNING)
    assert UsageExport.objects.count() == 3
