"""Staff see every recharge, try and reason, and throw the switches (rules 5.4, 5.5)."""

from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import AuditEvent, User
from billing.models import AutoRecharge, PaymentMethod, RechargeStop
from billing.refusals import NotLookedForYet
from tests import makers
from tests.billing.recharging import DAY, HOUR, LOST, Recharger

WHY = "Looks like fraud to us"
ADMIN = "/admin/billing"


@pytest.fixture
def root(client: Client, db: None, settings: Settings) -> User:
    settings.STAFF_NEED_SECOND_FACTOR = False
    root = User.objects.create_superuser("root@provider.example", "correct horse")
    client.force_login(root)
    return root


def act(client: Client, page: str, action: str, pk: int, **more: str) -> str:
    chosen = {"action": action, "_selected_action": pk, **more}
    answer = client.post(f"{ADMIN}/{page}/", chosen, follow=True)
    return unescape(answer.content.decode())


def confirm(client: Client, page: str, action: str, pk: int) -> str:
    """Asks first, and does nothing yet; then with the reason."""
    asked = act(client, page, action, pk)
    assert 'name="reason"' in asked
    return act(client, page, action, pk, confirmed="yes", reason=WHY)


@pytest.mark.usefixtures("root")
def test_lists_and_pages_show_what_happened(
    client: Client, recharger: Recharger
) -> None:
    row = recharger.switch_on(LOST)
    attempt = recharger.charge()
    recharger.later(HOUR)
    recharger.recharge()
    skipped = recharger.organisation.skipped_recharges.get()
    pages = {
        "autorecharge/": "100.00",
        f"autorecharge/{row.pk}/change/": "9987",
        "rechargeattempt/": "lost_card",
        f"rechargeattempt/{attempt.pk}/change/": f"recharge:{attempt.pk}:1",
        "skippedrecharge/": "The card is paused after it was declined.",
        f"skippedrecharge/{skipped.pk}/change/": "card_paused",
        "consent/": "192.0.2.7",
        f"consent/{row.consent_id}/change/": "without being asked again",
        "paymentmethod/": "lost_card",
        "rechargestop/": "",
    }
    for page, word in pages.items():
        answer = client.get(f"{ADMIN}/{page}")
        assert answer.status_code == 200, page
        assert word in unescape(answer.content.decode()), page


@pytest.mark.usefixtures("root")
def test_staff_stop_one_organisation_and_allow_it(
    client: Client, recharger: Recharger
) -> None:
    row = recharger.switch_on()
    confirm(client, "autorecharge", "stop", row.pk)
    row.refresh_from_db()
    assert row.stopped_reason == WHY
    assert recharger.recharge() is None
    confirm(client, "autorecharge", "allow", row.pk)
    assert AutoRecharge.objects.get().stopped_at is None
    said = AuditEvent.objects.filter(reason=WHY).values_list("verb", flat=True)
    assert set(said) == {"stop_auto_recharge", "allow_auto_recharge"}


@pytest.mark.usefixtures("root")
def test_staff_stop_everything_and_lift_it(
    client: Client, recharger: Recharger
) -> None:
    recharger.switch_on()
    add = f"{ADMIN}/rechargestop/add/"
    short = client.post(add, {"reason": "Why"})
    assert "at least 10 characters" in unescape(short.content.decode())
    told = client.post(add, {"reason": WHY}, follow=True).content.decode()
    assert "Auto-recharge is stopped at 1 organisations." in told
    assert recharger.recharge() is None
    client.post(add, {"reason": WHY})  # stopped already: the same stop
    stop = RechargeStop.objects.get()
    confirm(client, "rechargestop", "lift", stop.pk)
    assert RechargeStop.in_force() is None
    recharger.charge()
    said = AuditEvent.objects.filter(reason=WHY).values_list("verb", flat=True)
    assert sorted(said) == ["lift_recharge_stop", "stop_all_recharges"]


@pytest.mark.usefixtures("root")
def test_staff_resume_a_card(client: Client, recharger: Recharger) -> None:
    recharger.switch_on(LOST)
    recharger.charge()
    method = PaymentMethod.objects.get()
    confirm(client, "paymentmethod", "resume", method.pk)
    method.refresh_from_db()
    assert method.suspended_at is None
    assert AuditEvent.objects.filter(verb="resume_payment_method", reason=WHY).exists()


@pytest.mark.usefixtures("root")
def test_staff_give_up_a_recharge_only_when_it_is_time(
    client: Client, recharger: Recharger
) -> None:
    recharger.switch_on()
    recharger.now -= 2 * DAY
    recharger.sandbox.fail("http_500", "/v1/payment_intents")
    attempt = recharger.charge()
    confirm(client, "rechargeattempt", "give_up", attempt.pk)
    attempt.refresh_from_db()
    assert attempt.state == "failed"
    recharger.later(2 * DAY)
    recharger.sandbox.fail("http_500", "/v1/payment_intents")
    again = recharger.charge()
    told = confirm(client, "rechargeattempt", "give_up", again.pk)
    assert "23 hours after it was sent" in told
    again.refresh_from_db()
    assert again.state == "sent"


def test_each_action_needs_its_permission(
    client: Client, recharger: Recharger, settings: Settings
) -> None:
    settings.STAFF_NEED_SECOND_FACTOR = False
    row = recharger.switch_on(LOST)
    staff = makers.make_user("support@provider.example", is_staff=True)
    wanted = ["view_autorecharge", "view_paymentmethod", "view_rechargestop"]
    staff.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    client.force_login(staff)
    act(client, "autorecharge", "stop", row.pk, confirmed="yes", reason=WHY)
    act(
        client,
        "paymentmethod",
        "resume",
        row.payment_method_id,
        confirmed="yes",
        reason=WHY,
    )
    assert client.get(f"{ADMIN}/rechargestop/add/").status_code == 403
    assert not AuditEvent.objects.filter(reason=WHY).exists()
    for page in ("autorecharge", "rechargeattempt", "consent", "skippedrecharge"):
        assert client.get(f"{ADMIN}/{page}/add/").status_code == 403


@pytest.mark.usefixtures("root")
def test_what_the_verb_refuses_is_told_by_row_and_nothing_is_logged(
    client: Client, recharger: Recharger
) -> None:
    recharger.switch_on()
    recharger.sandbox.fail("http_500", "/v1/payment_intents")
    attempt = recharger.charge()
    said = confirm(client, "rechargeattempt", "give_up", attempt.pk)
    assert f"{attempt.pk}: {NotLookedForYet()}" in said
    assert "done." not in said
    assert not LogEntry.objects.exists()


@pytest.mark.usefixtures("root")
def test_what_was_done_is_named_and_logged_with_its_reason(
    client: Client, recharger: Recharger
) -> None:
    row = recharger.switch_on()
    assert f"{row}: done." in confirm(client, "autorecharge", "stop", row.pk)
    assert LogEntry.objects.get().change_message == f"stop: {WHY}"
