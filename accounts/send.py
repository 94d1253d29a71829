"""Delivers what the outbox owes, each message in the language of its reader.

A row is claimed by compare-and-set: of two senders one wins and the other goes on. A
claim runs out, so that a sender which dies on the way is followed by another: delivery
is at least once, and the Message-ID lets a mail system drop a repetition. Errors are
kept on the row; after the last try staff get a task. No transaction is open meanwhile.
"""

import logging
from datetime import datetime, timedelta
from email.utils import formataddr, parseaddr
from time import monotonic
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import F
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from accounts.models import Notice, NoticeKind, ProviderSettings
from accounts.opt_out import opt_out_token
from accounts.staff_tasks import raise_staff_task
from accounts.templatetags.mail import one_gap

logger = logging.getLogger(__name__)

# Minutes to wait after the first failure, the second …; the last is final.
BACK_OFF_MINUTES = (1, 5, 30, 120, 360, 1440)
TRIES = len(BACK_OFF_MINUTES) + 1
CLAIM = timedelta(minutes=10)  # longer than the slowest mail server may take
LAYOUTS = ("email/layout.txt", "email/layout.html")
SECONDS_AT_MOST = 40  # a job has a minute


def send_due_notices(at: datetime, limit: int = 100) -> int:
    """How many messages went out; leaves the rest to the next call."""
    started, sent = monotonic(), 0
    due = Notice.objects.filter(sent_at=None, next_try_at__lte=at)
    for notice in due.order_by("next_try_at", "id")[:limit]:
        if monotonic() - started > SECONDS_AT_MOST:
            break
        if _claim(notice, at):
            sent += _deliver(notice, at)
    return sent


def _claim(notice: Notice, at: datetime) -> bool:
    """Takes the try that begins now; False when another sender has it."""
    unclaimed = Notice.objects.filter(pk=notice.pk, sent_at=None, tries=notice.tries)
    return bool(unclaimed.update(tries=F("tries") + 1, next_try_at=at + CLAIM))


def _deliver(notice: Notice, at: datetime) -> bool:
    try:
        compose(notice).send()
    except Exception as error:  # noqa: BLE001  # the edge of the loop: kept on the row
        _keep_error(notice, error, at)
        return False
    Notice.objects.filter(pk=notice.pk).update(sent_at=at, next_try_at=None, error="")
    return True


def _keep_error(notice: Notice, error: Exception, at: datetime) -> None:
    logger.warning("notice %s was not sent: %s", notice.pk, type(error).__name__)
    sentence = f"{type(error).__name__}: {error}"[:500]
    failures = notice.tries + 1
    final = failures >= TRIES
    Notice.objects.filter(pk=notice.pk).update(
        error=sentence,
        next_try_at=None
        if final
        else at + timedelta(minutes=BACK_OFF_MINUTES[failures - 1]),
    )
    if final:
        raise_staff_task(
            "notice_not_sent",
            reference=f"notice:{notice.pk}",
            detail=f"{notice.kind} to {notice.recipient}: {sentence}",
            at=at,
            organisation=notice.organisation,
        )


def compose(notice: Notice) -> EmailMultiAlternatives:
    """The message as its reader gets it: plain text, and simple HTML beside it."""
    kind, opt_out_url = NoticeKind(notice.kind), ""
    if kind.rules.is_optional and notice.organisation is not None:
        opt_out_url = _opt_out_url(notice, kind)
    subject, text, html = _words(notice, kind, opt_out_url)
    host = urlsplit(settings.SITE_URL).hostname
    message = EmailMultiAlternatives(
        subject,
        text,
        sender(),
        [notice.recipient],
        headers={
            "Message-ID": f"<notice-{notice.pk}@{host}>",
            "Auto-Submitted": "auto-generated",
            **_unsubscribe(opt_out_url),
        },
    )
    message.attach_alternative(html, "text/html")
    return message


def _words(notice: Notice, kind: NoticeKind, opt_out_url: str) -> tuple[str, str, str]:
    """Subject, text and HTML: the same sentences in two layouts."""
    facts = {
        **notice.context,
        "organisation": notice.organisation,
        "provider": ProviderSettings.current(),
        "site_url": settings.SITE_URL,
        "audience": kind.rules.audience,
        "opt_out_url": opt_out_url,
    }
    folder = f"email/{kind}"
    with translation.override(notice.language):
        subject = " ".join(render_to_string(f"{folder}/subject.txt", facts).split())
        facts["subject"] = subject
        text, html = (
            render_to_string(f"{folder}/body.txt", {**facts, "layout": layout})
            for layout in LAYOUTS
        )
    return subject, one_gap(text) + "\n", html


def _opt_out_url(notice: Notice, kind: NoticeKind) -> str:
    """One click stops this kind for this address, without signing in."""
    token = opt_out_token(notice.organisation_id or 0, notice.recipient, kind)
    return settings.SITE_URL + reverse("stop_notices", args=[token])


def _unsubscribe(url: str) -> dict[str, str]:
    """RFC 8058: a mail program shows its own button, and posts to the address."""
    if not url:
        return {}
    return {
        "List-Unsubscribe": f"<{url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def sender() -> str:
    """Our address under the provider's name."""
    address = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    return formataddr((ProviderSettings.current().name, address))
