"""The outbox: a message per billing contact, once per episode, in their language."""

import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import close_old_connections, connection, transaction
from django.test import override_settings
from django_q.models import OrmQ
from pytest_django.fixtures import Settings

from accounts.models import (
    Language,
    Notice,
    NoticeKind,
    Organisation,
    Role,
    StaffTask,
    User,
)
from accounts.notify import owe_notice
from accounts.send import TRIES, send_due_notices
from tests import makers
from tests.accounts.mail_facts import FACTS
from tests.makers import START


def owe(
    organisation: Organisation,
    episode: str = "top-up:1",
    kind: NoticeKind = NoticeKind.BALANCE_ZERO,
) -> list[Notice]:
    """A message of this kind; by default one for the owner and the billing address."""
    return owe_notice(
        kind,
        organisation=organisation,
        episode=episode,
        context={name: FACTS[name] for name in kind.facts},
        at=START,
    )


def test_each_kind_goes_to_those_it_concerns_and_to_each_once(
    formosa: Organisation, alice: User
) -> None:
    formosa.billing_email = "Cleo@Formosa.example"
    formosa.save()
    cleo = makers.make_user("cleo@formosa.example")
    makers.make_member(formosa, cleo, Role.BILLING_ADMIN)
    dev = makers.make_user("dev@formosa.example")
    makers.make_member(formosa, dev, Role.DEVELOPER)
    viewer = makers.make_user("viewer@formosa.example")
    makers.make_member(formosa, viewer, Role.VIEWER)
    told = {
        kind: {notice.recipient for notice in owe(formosa, kind=kind)}
        for kind in NoticeKind
    }
    assert told[NoticeKind.RECEIPT] == {cleo.email}
    assert told[NoticeKind.BALANCE_ZERO] == {alice.email, cleo.email}
    assert told[NoticeKind.STAFF_ACTION] == {alice.email}
    assert told[NoticeKind.WEBHOOK_DISABLED] == {alice.email, dev.email}


def test_somebody_who_may_no_longer_sign_in_is_not_told(
    formosa: Organisation, alice: User
) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert [n.recipient for n in owe(formosa)] == [formosa.billing_email]


def test_b60_an_episode_is_told_once_however_often_it_is_owed(
    formosa: Organisation,
) -> None:
    first = owe(formosa)
    again = owe(formosa)
    assert [n.pk for n in again] == [n.pk for n in first]
    assert len(owe(formosa, "top-up:2")) == len(first)


def test_an_undone_deed_owes_nothing(formosa: Organisation) -> None:
    with transaction.atomic():
        owe(formosa)
        transaction.set_rollback(True)
    assert not Notice.objects.exists()
    assert not OrmQ.objects.exists()


def test_a_notice_without_its_facts_is_refused_when_it_is_owed(
    formosa: Organisation,
) -> None:
    with pytest.raises(ValueError, match="currency, expires_at"):
        owe_notice(
            NoticeKind.RECEIPT,
            organisation=formosa,
            episode="top-up:1",
            context={"amount": 1, "receipt": "R-1", "paid_at": "", "path": "/"},
            at=START,
        )
    assert not Notice.objects.exists()


def test_each_reads_the_message_in_their_own_language(
    formosa: Organisation, alice: User
) -> None:
    User.objects.filter(pk=alice.pk).update(language=Language.TRADITIONAL_CHINESE)
    owe(formosa)
    assert send_due_notices(START) == 2
    subjects = {message.to[0]: message.subject for message in mail.outbox}
    assert subjects[formosa.billing_email] == "Paid calls stopped"
    assert subjects[alice.email] == "付費通話已停止"


def test_funds_expire_on_the_last_day_of_the_organisation_not_of_utc(
    formosa: Organisation,
) -> None:
    owe(formosa, kind=NoticeKind.RECEIPT)
    send_due_notices(START)
    # Midnight in Taipei at the start of 1 January: 31 December is the last day.
    assert "until 31 December 2026" in str(mail.outbox[0].body)


def test_nothing_is_sent_before_its_time_or_twice(formosa: Organisation) -> None:
    owe(formosa)
    assert send_due_notices(START - timedelta(seconds=1)) == 0
    assert send_due_notices(START) == 2
    assert send_due_notices(START + timedelta(days=1)) == 0
    assert len(mail.outbox) == 2


class DeadMailServer(BaseEmailBackend):
    def send_messages(self, email_messages: object) -> int:
        raise OSError("nobody listens")


def test_a_failure_is_kept_and_tried_again_later_and_later(
    formosa: Organisation, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.DeadMailServer"
    owe(formosa)
    at, waits = START, []
    for _try in range(TRIES):
        assert send_due_notices(at) == 0
        notice = Notice.objects.order_by("id")[0]
        assert notice.error == "OSError: nobody listens"
        if notice.next_try_at is not None:
            waits.append((notice.next_try_at - at).total_seconds() / 60)
            at = notice.next_try_at
    assert waits == [1, 5, 30, 120, 360, 1440]
    assert send_due_notices(at + timedelta(days=99)) == 0
    tasks = StaffTask.objects.filter(kind="notice_not_sent")
    assert [task.organisation for task in tasks] == [formosa, formosa]


def test_a_message_goes_out_once_the_mail_server_is_back(
    formosa: Organisation,
) -> None:
    owe(formosa)
    with override_settings(EMAIL_BACKEND=f"{__name__}.DeadMailServer"):
        send_due_notices(START)
    assert send_due_notices(START + timedelta(minutes=1)) == 2
    assert {n.error for n in Notice.objects.all()} == {""}


def test_a_sender_that_died_is_followed_by_another(formosa: Organisation) -> None:
    owe(formosa)
    # What a claim leaves behind when nothing comes after it.
    Notice.objects.update(tries=1, next_try_at=START + timedelta(minutes=10))
    assert send_due_notices(START + timedelta(minutes=9)) == 0
    assert send_due_notices(START + timedelta(minutes=10)) == 2


def test_the_job_is_enqueued_with_the_notice(formosa: Organisation) -> None:
    owe(formosa)
    assert [task.func() for task in OrmQ.objects.all()] == [
        "accounts.jobs.send_notices"
    ]


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_send_each_message_once(formosa: Organisation) -> None:
    for number in range(10):
        owe(formosa, f"top-up:{number}")
    together = threading.Barrier(2)
    sent: list[int] = []

    def send() -> None:
        together.wait()
        sent.append(send_due_notices(START))
        close_old_connections()
        connection.close()

    senders = [threading.Thread(target=send) for _sender in range(2)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert sum(sent) == len(mail.outbox) == 20
