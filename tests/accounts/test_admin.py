"""Staff pages: a key is shown once, reasons are asked, what verbs write stays put."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client, override_settings
from django.utils import timezone

from accounts.keys import create_key, find_key
from accounts.models import (
    ApiKey,
    AuditEvent,
    Membership,
    Organisation,
    ProviderSettings,
    Scope,
    StaffTask,
    User,
)
from accounts.staff_tasks import raise_staff_task
from tests import makers
from tests.makers import START

KEYS = "/admin/accounts/apikey/"
REASON = "the customer asked by phone"


@pytest.fixture
def root(client: Client, db: None) -> User:
    root = User.objects.create_superuser("root@provider.example", "correct horse")
    client.force_login(root)
    return root


@pytest.fixture(autouse=True)
def _without_second_factor() -> object:
    with override_settings(STAFF_NEED_SECOND_FACTOR=False):
        yield


def issue_form(client: Client, **changes: object) -> dict[str, object]:
    page = client.get(KEYS + "add/").content.decode()
    once = re.search(r'name="once" value="([^"]+)"', page)
    assert once
    return {
        "name": "the switch",
        "scopes": ["calls:authorize", "cdrs:write"],
        "reason": REASON,
        "once": once.group(1),
        **changes,
    }


def shown_secret(page: str) -> str | None:
    found = re.search(r"tg_test_[\w-]+", page)
    return found.group() if found else None


def test_a_key_is_issued_and_its_secret_shown_once(client: Client, root: User) -> None:
    answer = client.post(KEYS + "add/", issue_form(client))
    secret = shown_secret(answer.content.decode())
    assert secret
    assert "no-store" in answer.headers["Cache-Control"]
    key = ApiKey.objects.get()
    assert find_key(secret, START) == key
    assert key.allows(Scope.CDRS_WRITE)
    for path in (KEYS, f"{KEYS}{key.pk}/change/"):
        page = client.get(path).content.decode()
        assert shown_secret(page) is None
        assert key.digest not in page
    event = AuditEvent.objects.get()
    assert (event.actor, event.reason) == (root, REASON)


def test_sending_the_form_twice_issues_one_key(client: Client, root: User) -> None:
    form = issue_form(client)
    client.post(KEYS + "add/", form)
    again = client.post(KEYS + "add/", form, follow=True)
    assert "was sent before" in again.content.decode()
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"scopes": []}, "This field is required."),
        ({"reason": "short"}, "at least 10 characters"),
        (
            {"expires_at_0": "2001-01-01", "expires_at_1": "00:00"},
            "The key would already be expired.",
        ),
    ],
)
def test_a_key_that_cannot_be_is_refused_with_a_sentence(
    client: Client, root: User, changes: dict[str, object], sentence: str
) -> None:
    answer = client.post(KEYS + "add/", issue_form(client, **changes))
    assert sentence in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_a_customers_key_with_a_providers_scope_is_refused(
    client: Client, root: User, formosa: Organisation
) -> None:
    """Rule 1.7."""
    form = issue_form(client, organisation=formosa.pk)
    answer = client.post(KEYS + "add/", form)
    assert "Only a key of the provider" in answer.content.decode()
    assert not ApiKey.objects.exists()


def revoke(client: Client, key: ApiKey, **more: str) -> str:
    form = {"action": "revoke", "_selected_action": [str(key.pk)], **more}
    return client.post(KEYS, form, follow=True).content.decode()


def test_revoking_asks_for_a_reason_first(
    client: Client, root: User, formosa: Organisation
) -> None:
    key, secret = create_key(
        "shop", organisation=formosa, scopes=[Scope.USAGE_READ], at=START
    )
    assert "stop working at once" in revoke(client, key)
    assert "at least 10" in revoke(client, key, confirmed="yes", reason="because")
    assert find_key(secret, START) == key
    assert "Revoked keys: 1." in revoke(client, key, confirmed="yes", reason=REASON)
    assert find_key(secret, START) is None
    assert AuditEvent.objects.get().reason == REASON


def test_what_was_done_before_is_not_counted_again(
    client: Client, root: User, formosa: Organisation
) -> None:
    key, _secret = create_key(
        "shop", organisation=formosa, scopes=[Scope.USAGE_READ], at=START
    )
    revoke(client, key, confirmed="yes", reason=REASON)
    assert "Revoked keys: 0." in revoke(client, key, confirmed="yes", reason=REASON)
    assert LogEntry.objects.get().change_message == f"revoke: {REASON}"


def test_staff_without_the_permission_cannot_touch_keys(
    client: Client, formosa: Organisation
) -> None:
    key, secret = create_key(
        "shop", organisation=formosa, scopes=[Scope.USAGE_READ], at=START
    )
    support = makers.make_user("support@provider.example", is_staff=True)
    support.user_permissions.add(_permission("view_apikey"))
    client.force_login(support)
    assert client.get(KEYS).status_code == 200
    assert client.get(KEYS + "add/").status_code == 403
    revoke(client, key, confirmed="yes", reason=REASON)
    assert find_key(secret, START) == key


def test_a_task_is_done_with_a_reason(client: Client, root: User) -> None:
    task = raise_staff_task("kind", reference="1", detail="look", at=START)
    form = {
        "action": "finish",
        "_selected_action": [str(task.pk)],
        "confirmed": "yes",
        "reason": REASON,
    }
    client.post("/admin/accounts/stafftask/", form)
    task = StaffTask.objects.get()
    assert task.done_by == root
    assert AuditEvent.objects.get().reason == REASON


@pytest.mark.parametrize(
    "name",
    ["apikey", "auditevent", "notice", "stafftask", "billingmodeperiod"],
)
def test_what_verbs_write_nobody_edits(client: Client, root: User, name: str) -> None:
    model = next(m for m in admin.site._registry if m._meta.model_name == name)
    page = admin.site._registry[model]
    request = client.get("/admin/").wsgi_request
    assert not page.has_change_permission(request)
    assert not page.has_delete_permission(request)
    assert page.has_add_permission(request) is (name == "apikey")
    assert client.get(f"/admin/accounts/{name}/").status_code == 200


def test_accounts_are_made_without_a_username(client: Client, root: User) -> None:
    form = {
        "email": "Eve@Example.com",
        "name": "Eve",
        "language": "zh-hant",
        "usable_password": "true",
        "password1": "correct horse battery",
        "password2": "correct horse battery",
    }
    answer = client.post("/admin/accounts/user/add/", form)
    assert answer.status_code == 302, answer.context["adminform"].errors
    eve = User.objects.get(email="eve@example.com")
    assert eve.check_password("correct horse battery")
    page = client.get(f"/admin/accounts/user/{eve.pk}/change/")
    assert "memberships-TOTAL_FORMS" in page.content.decode()


def test_an_address_makes_one_account(client: Client, root: User, alice: User) -> None:
    form = {
        "email": alice.email.upper(),
        "language": "en",
        "usable_password": "true",
        "password1": "correct horse battery",
        "password2": "correct horse battery",
    }
    answer = client.post("/admin/accounts/user/add/", form)
    assert answer.status_code == 200
    assert User.objects.filter(email__iexact=alice.email).count() == 1


def test_staff_rotate_one_key_and_see_its_successor_once(
    client: Client, root: User
) -> None:
    old, old_secret = create_key(
        "switch", organisation=None, scopes=[Scope.CDRS_WRITE], at=timezone.now()
    )
    form = {"action": "rotate", "_selected_action": [old.pk], "reason": REASON}
    asked = client.post(KEYS, {**form, "reason": ""})
    assert shown_secret(asked.content.decode()) is None
    page = client.post(KEYS, {**form, "confirmed": "yes"})
    secret = shown_secret(page.content.decode())
    assert secret is not None
    new = find_key(secret, timezone.now())
    assert new is not None
    assert new.first_id == old.pk
    assert find_key(old_secret, timezone.now()) == old
    again = client.post(KEYS, {**form, "confirmed": "yes"}, follow=True)
    assert "not replaced yet" in again.content.decode()
    assert ApiKey.objects.count() == 2


def test_a_role_is_given_on_the_users_page(
    client: Client, root: User, formosa: Organisation, bob: User
) -> None:
    (membership,) = bob.memberships.all()
    form = {
        "email": bob.email,
        "name": "Bob",
        "language": "en",
        "is_active": "on",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": str(membership.pk),
        "memberships-0-user": str(bob.pk),
        "memberships-0-organisation": str(formosa.pk),
        "memberships-0-role": "billing_admin",
    }
    answer = client.post(f"/admin/accounts/user/{bob.pk}/change/", form)
    assert answer.status_code == 302
    assert Membership.objects.get(pk=membership.pk).role == "billing_admin"


def test_who_edits_accounts_cannot_rise_above_themselves(
    client: Client, root: User, alice: User
) -> None:
    support = makers.make_user("support@provider.example", is_staff=True)
    support.user_permissions.add(_permission("change_user"), _permission("view_user"))
    client.force_login(support)
    form = {
        "email": alice.email,
        "name": "Alice",
        "language": "en",
        "is_active": "on",
        "is_staff": "on",
        "is_superuser": "on",
    }
    client.post(f"/admin/accounts/user/{alice.pk}/change/", form)
    alice.refresh_from_db()
    assert not alice.is_staff
    assert not alice.is_superuser
    for above in (root, support):
        path = f"/admin/accounts/user/{above.pk}"
        assert client.post(f"{path}/change/", form).status_code == 403
        assert client.get(f"{path}/password/").status_code == 403


def test_the_provider_has_one_row(client: Client, root: User) -> None:
    form = {
        "name": "Northline Voice",
        "terms_version": "2",
        "tax_policy": "none",
        "days_to_pay": 14,
        "restrict_after_days": 7,
        "suspend_after_days": 14,
    }
    assert client.post("/admin/accounts/providersettings/add/", form).status_code == 302
    assert client.get("/admin/accounts/providersettings/add/").status_code == 403
    assert ProviderSettings.current().name == "Northline Voice"
    history = ProviderSettings.history.get()
    assert (history.history_user, history.terms_version) == (root, "2")


def test_secrets_of_authenticators_are_shown_to_nobody(
    client: Client, root: User, alice: User
) -> None:
    device = Authenticator.objects.create(
        user=alice, type="totp", data={"secret": "SEED-OF-ALICE"}
    )
    for path in ("", f"{device.pk}/change/"):
        page = client.get(f"/admin/mfa/authenticator/{path}")
        assert page.status_code == 200
        assert "SEED-OF-ALICE" not in page.content.decode()


def _permission(codename: str) -> Permission:
    return Permission.objects.get(codename=codename, content_type__app_label="accounts")
