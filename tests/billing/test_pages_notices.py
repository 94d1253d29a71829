"""Messages and alerts: the low-balance threshold, and which mails one does without."""

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import (
    AuditEvent,
    BalanceAlert,
    Language,
    Notice,
    NoticeKind,
    NoticeOptOut,
    Organisation,
    Role,
    User,
)
from accounts.notify import owe_notice
from accounts.opt_out import opt_out, opt_out_token
from accounts.send import send_due_notices
from tests import makers
from tests.accounts.mail_facts import FACTS
from tests.billing.test_pages_access import signed_in
from tests.makers import START

LOW = NoticeKind.LOW_BALANCE


@pytest.fixture(autouse=True)
def terms(db: None) -> None:
    makers.make_terms("USD")


def owe(organisation: Organisation, kind: NoticeKind, episode: str) -> list[str]:
    """Addresses the message goes to."""
    facts = {name: FACTS[name] for name in kind.facts}
    owed = owe_notice(
        kind, organisation=organisation, episode=episode, context=facts, at=START
    )
    return [notice.recipient for notice in owed]


def stop_link(kind: NoticeKind) -> str:
    """The address at the foot of the mail that was sent last."""
    (found,) = re.findall(r"http://testserver(/notices/stop/\S+)", _text())
    assert f"<http://testserver{found}>" == _header("List-Unsubscribe")
    assert _header("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    return str(found)


def _text() -> str:
    return str(mail.outbox[-1].body)


def _header(name: str) -> str:
    return str(mail.outbox[-1].message()[name] or "")


def test_the_threshold_is_changed_and_noted(formosa: Organisation, alice: User) -> None:
    client = signed_in(alice)
    assert "falls below US$10.00" in client.get(reverse("notices")).text
    answer = client.post(reverse("notices"), {"threshold": "1,000"}, follow=True)
    assert "falls below US$1,000.00" in answer.text
    assert BalanceAlert.objects.get().threshold == 1_000_000_000
    event = AuditEvent.objects.get(verb="set_balance_alert")
    assert event.before == {"threshold": "10.000000"}
    assert event.actor == alice


def test_what_is_below_the_new_threshold_is_told_of_at_once(
    formosa: Organisation, alice: User
) -> None:
    makers.make_lot(formosa, "50")
    signed_in(alice).post(reverse("notices"), {"threshold": "100"})
    assert Notice.objects.filter(kind=LOW).exists()


@pytest.mark.parametrize("typed", ["", "abc", "-5", "1.0001"])
def test_what_is_no_amount_gets_a_sentence(
    formosa: Organisation, alice: User, typed: str
) -> None:
    answer = signed_in(alice).post(reverse("notices"), {"threshold": typed})
    assert answer.status_code == 422
    assert not BalanceAlert.objects.exists()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.DEVELOPER])
def test_those_who_may_not_buy_change_no_threshold(
    formosa: Organisation, role: Role
) -> None:
    user = makers.make_user()
    makers.make_member(formosa, user, role)
    client = signed_in(user)
    page = client.get(reverse("notices")).text
    assert "Owners and billing admins change it." in page
    assert client.post(reverse("notices"), {"threshold": "1"}).status_code == 403
    choose = {"address": formosa.billing_email, "kinds": []}
    client.post(reverse("choose_notices"), choose)
    assert not NoticeOptOut.objects.exists()


def test_a_billing_admin_does_without_a_kind_and_the_billing_address_does_not(
    formosa: Organisation,
) -> None:
    cleo = makers.make_user("cleo@formosa.example")
    makers.make_member(formosa, cleo, Role.BILLING_ADMIN)
    client = signed_in(cleo)
    every = [kind.value for kind in NoticeKind.optional()]
    kept = [kind for kind in every if kind != LOW]
    chosen = {"address": cleo.email, "kinds": kept}
    page = client.post(reverse("choose_notices"), chosen, follow=True).text
    assert "Saved which messages go to cleo@formosa.example." in page
    assert owe(formosa, LOW, "1") == [formosa.billing_email]
    assert cleo.email in owe(formosa, NoticeKind.POOL_LOW, "1")
    client.post(reverse("choose_notices"), {**chosen, "kinds": every})
    assert cleo.email in owe(formosa, LOW, "2")


def test_nobody_decides_for_an_address_that_is_not_theirs(
    formosa: Organisation, alice: User
) -> None:
    cleo = makers.make_user("cleo@formosa.example")
    makers.make_member(formosa, cleo, Role.BILLING_ADMIN)
    signed_in(alice).post(reverse("choose_notices"), {"address": cleo.email})
    assert not NoticeOptOut.objects.exists()


@pytest.mark.parametrize("kind", NoticeKind.optional())
def test_one_click_at_the_foot_of_a_mail_stops_its_kind(
    formosa: Organisation, kind: NoticeKind
) -> None:
    owe(formosa, kind, "1")
    send_due_notices(START)
    link = stop_link(kind)
    stranger = Client(enforce_csrf_checks=True)
    assert "Stop these messages?" in stranger.get(link).text
    assert not NoticeOptOut.objects.exists()  # mail scanners follow links
    one_click = {"List-Unsubscribe": "One-Click"}
    assert "These messages are stopped" in stranger.post(link, one_click).text
    assert owe(formosa, kind, "2") == []
    stranger.post(link, {"again": "1"})
    assert owe(formosa, kind, "3") == [formosa.billing_email]


@pytest.mark.parametrize(
    "kind", [kind for kind in NoticeKind if kind not in NoticeKind.optional()]
)
def test_messages_about_payments_cannot_be_stopped(
    formosa: Organisation, kind: NoticeKind
) -> None:
    owe(formosa, kind, "1")
    send_due_notices(START)
    assert "/notices/stop/" not in _text()
    assert _header("List-Unsubscribe") == ""
    token = opt_out_token(formosa.pk, formosa.billing_email, kind)
    assert Client().get(reverse("stop_notices", args=[token])).status_code == 404
    with pytest.raises(Exception, match="opt_out_of_optional_kinds"):
        opt_out(formosa, formosa.billing_email, kind, at=START)


def test_a_link_that_was_changed_stops_nothing(formosa: Organisation) -> None:
    token = opt_out_token(formosa.pk, formosa.billing_email, LOW)
    answer = Client().post(reverse("stop_notices", args=[token[:-1] + "x"]))
    assert answer.status_code == 404
    assert not NoticeOptOut.objects.exists()


def test_the_page_speaks_the_reader_s_language(
    formosa: Organisation, alice: User
) -> None:
    User.objects.filter(pk=alice.pk).update(language=Language.TRADITIONAL_CHINESE)
    client = signed_in(alice)
    client.cookies["django_language"] = "zh-hant"
    assert 'lang="zh-Hant"' in client.get(reverse("notices")).text
