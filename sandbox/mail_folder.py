"""The demo's post office: each mail becomes a file, and the mailbox reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage as ParsedMail
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend


@dataclass(frozen=True)
class Mail:
    name: str
    written_at: datetime
    subject: str
    to: str
    text: str
    html: str


def mail_folder() -> Path:
    folder: Path = settings.DEMO_FOLDER / "mail"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class MailFolderBackend(BaseEmailBackend):
    """Writes instead of sending; the name sorts by time."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            written_at = datetime.now(UTC)
            name = f"{written_at:%Y%m%d-%H%M%S-%f}-{uuid4().hex[:6]}.eml"
            unfinished = mail_folder() / f".{name}"
            unfinished.write_bytes(message.message().as_bytes())
            unfinished.rename(mail_folder() / name)
        return len(email_messages)


def list_mails(limit: int = 200) -> list[Mail]:
    """The newest first."""
    names = sorted(
        (path.name for path in mail_folder().glob("[0-9]*.eml")), reverse=True
    )
    return [mail for name in names[:limit] if (mail := find_mail(name))]


def find_mail(name: str) -> Mail | None:
    path = mail_folder() / name
    if path.parent != mail_folder() or path.suffix != ".eml" or not path.is_file():
        return None
    parsed = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(parsed, ParsedMail)
    return Mail(
        name=name,
        written_at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
        subject=str(parsed["subject"] or ""),
        to=str(parsed["to"] or ""),
        text=_body(parsed, "plain"),
        html=_body(parsed, "html"),
    )


def _body(mail: ParsedMail, kind: str) -> str:
    part = mail.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part else ""
