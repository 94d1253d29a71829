"""The demo's mail: written to files, shown on a page, unable to do anything there."""

from pathlib import Path

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection
from django.test import Client
from pytest_django.fixtures import Settings

from sandbox.mail_folder import find_mail, list_mails


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.DEMO_FOLDER = tmp_path
    return tmp_path / "mail"


def send(subject: str) -> None:
    mail = EmailMultiAlternatives(
        subject,
        "您好, your credit arrived.",
        to=["billing@formosa.example"],
        connection=get_connection("sandbox.mail_folder.MailFolderBackend"),
    )
    mail.attach_alternative("<p style='color: red'>您好</p>", "text/html")
    mail.send()


def test_a_mail_becomes_a_file_that_reads_back(folder: Path) -> None:
    send("儲值收據")
    [mail] = list_mails()
    assert mail.subject == "儲值收據"
    assert mail.to == "billing@formosa.example"
    assert mail.text.strip() == "您好, your credit arrived."
    assert "您好" in mail.html


def test_the_newest_mail_stands_first(folder: Path) -> None:
    send("first")
    send("second")
    assert [mail.subject for mail in list_mails()] == ["second", "first"]


def test_the_pages_show_the_mail(db: None, folder: Path, client: Client) -> None:
    send("Your credit arrived")
    listing = client.get("/mailbox/")
    assert "Your credit arrived" in listing.content.decode()
    page = client.get(f"/mailbox/{list_mails()[0].name}/")
    assert "your credit arrived." in page.content.decode()


def test_html_is_shown_under_a_policy_that_fetches_and_runs_nothing(
    db: None, folder: Path, client: Client
) -> None:
    send("Your credit arrived")
    page = client.get(f"/mailbox/{list_mails()[0].name}/html")
    assert page["Content-Security-Policy"].startswith("default-src 'none'; style-src")
    assert "script-src" not in page["Content-Security-Policy"]
    assert "您好" in page.content.decode()


def test_no_other_file_can_be_read(folder: Path, db: None, client: Client) -> None:
    secret = folder.parent / "secret.eml"
    secret.write_text("Subject: secret\n\n")
    folder.mkdir()
    assert find_mail("../secret.eml") is None
    assert client.get("/mailbox/..%2Fsecret.eml/").status_code == 404
    assert client.get("/mailbox/none.eml/").status_code == 404
