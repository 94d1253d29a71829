"""Staff see holds and denials, release what is stuck, and bar and limit for all."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import AuditEvent, Organisation, User
from calling.models import Barring, CallLimits, DeniedCall
from calling.permission.set_call_limits import LimitsEntry, set_call_limits
from credits.models import Hold, HoldState, Wallet
from tests.calling.test_admin import path, staff
from tests.calling.test_admin_customers import told
from tests.makers import START, make_hold, make_lot, make_user

__all__ = ["staff"]
pytestmark = pytest.mark.django_db
REASON = "The switch was unplugged."


def release(client: Client, *holds: Hold, **more: str) -> str:
    chosen = [hold.pk for hold in holds]
    form = {"action": "release", "_selected_action": chosen, **more}
    return told(client, path(Hold, "changelist"), form)


@pytest.fixture
def stuck(formosa: Organisation) -> Hold:
    make_lot(formosa, "10")
    return make_hold(formosa, "4", at=timezone.now() - timedelta(hours=1))


def test_a_stuck_hold_is_released_with_a_reason(
    staff: Client, formosa: Organisation, stuck: Hold
) -> None:
    assert "nothing is billed" in release(staff, stuck)
    assert Wallet.objects.get(pk=formosa.pk).live_calls == 1
    live = make_hold(formosa, "1", at=timezone.now())
    page = release(staff, stuck, live, confirmed="1", reason=REASON)
    assert f"P{stuck.call_key[1:]}: done." in page
    assert "The call may still go on, or is over already." in page
    stuck.refresh_from_db()
    assert stuck.state == HoldState.RELEASED
    assert AuditEvent.objects.get(verb="release_hold").reason == REASON
    assert Wallet.objects.get(pk=formosa.pk).live_calls == 1


def test_releasing_needs_its_own_permission(
    client: Client, stuck: Hold, settings: Settings
) -> None:
    settings.STAFF_NEED_SECOND_FACTOR = False
    helper = make_user("helper@provider.example", is_staff=True)
    grant(helper, "view_hold")
    client.force_login(helper)
    page = client.get(path(Hold, "changelist"))
    assert stuck.call_key in page.content.decode()
    release(client, stuck, confirmed="1", reason=REASON)
    assert Hold.objects.get().is_open
    grant(helper, "release_hold")
    release(client, stuck, confirmed="1", reason=REASON)
    assert not Hold.objects.get().is_open


def grant(user: User, name: str) -> None:
    user.user_permissions.add(Permission.objects.get(codename=name))


def test_holds_and_denials_are_seen_and_never_changed(
    staff: Client, formosa: Organisation, stuck: Hold
) -> None:
    denied = DeniedCall.objects.create(
        organisation=formosa,
        source_id=1,
        call_key="pbx:9",
        callee="+81312345678",
        code="no_funding",
        asked_at=timezone.now(),
    )
    for row in (stuck, denied):
        address = path(type(row), "change", row.pk)
        assert staff.get(address).status_code == 200
        assert staff.post(address, {"caller": "x"}).status_code == 403
        assert staff.get(path(type(row), "add")).status_code == 403
    listed = staff.get(path(DeniedCall, "changelist")).content.decode()
    assert "no_funding" in listed


def test_staff_bar_for_everybody_change_and_delete(
    staff: Client, formosa: Organisation
) -> None:
    form = {"name": "Satellites", "prefix": "881", "is_forced": "on"}
    told(staff, path(Barring, "add"), {**form, "is_active": "on"})
    rule = Barring.objects.get()
    assert (rule.organisation, rule.is_forced, rule.is_active) == (None, True, True)
    told(staff, path(Barring, "change", rule.pk), {**form, "prefix": "8816"})
    rule.refresh_from_db()
    assert (rule.prefix, rule.is_active) == ("8816", False)
    told(staff, path(Barring, "delete", rule.pk), {"post": "yes"})
    assert not Barring.objects.exists()
    verbs = AuditEvent.objects.order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["add_barring", "change_barring", "remove_barring"]


def test_a_customer_s_rule_is_never_forced(
    staff: Client, formosa: Organisation
) -> None:
    form = {"name": "x", "prefix": "44", "organisation": formosa.pk, "is_forced": "on"}
    page = told(staff, path(Barring, "add"), form)
    assert "Only a rule of the provider is forced." in page
    assert not Barring.objects.exists()


def test_staff_limit_everybody_in_whole_units(staff: Client, db: None) -> None:
    form = {"currency": "USD", "price_ceiling": "0.5", "concurrent_calls": "20"}
    told(staff, path(CallLimits, "add"), form)
    limits = CallLimits.objects.get()
    assert (limits.organisation, limits.price_ceiling) == (None, 500_000)
    page = staff.get(path(CallLimits, "change", limits.pk)).content.decode()
    assert 'value="0.5"' in page
    told(staff, path(CallLimits, "change", limits.pk), {"daily_spend": "100"})
    changed = CallLimits.objects.values_list("price_ceiling", "daily_spend", "currency")
    assert list(changed.get()) == [None, 100_000_000, "USD"]
    told(staff, path(CallLimits, "add"), {**form, "for_new": "on"})
    assert CallLimits.objects.filter(for_new=True).count() == 1
    assert AuditEvent.objects.filter(verb="set_call_limits").count() == 3


def test_staff_limit_one_organisation_and_leave_its_own_limits(
    staff: Client, formosa: Organisation
) -> None:
    set_call_limits(formosa, LimitsEntry(concurrent_calls=30), at=START)
    own = CallLimits.objects.get()
    form = {"organisation": formosa.pk, "daily_spend": "100", "concurrent_calls": "20"}
    told(staff, path(CallLimits, "add"), form)
    theirs = CallLimits.objects.get(by_provider=True)
    assert (theirs.organisation, theirs.currency) == (formosa, "USD")
    assert (theirs.daily_spend, theirs.concurrent_calls) == (100_000_000, 20)
    told(staff, path(CallLimits, "change", theirs.pk), {"concurrent_calls": "10"})
    limits = CallLimits.objects.filter(by_provider=True)
    changed = limits.values_list("daily_spend", "concurrent_calls")
    assert list(changed.get()) == [None, 10]
    own.refresh_from_db()
    assert own.concurrent_calls == 30
    page = told(staff, path(CallLimits, "change", own.pk), {"concurrent_calls": "11"})
    assert "Your provider allows at most 10." in page
    told(staff, path(CallLimits, "change", own.pk), {"concurrent_calls": "9"})
    own.refresh_from_db()
    assert (own.concurrent_calls, own.by_provider) == (9, False)
    verbs = AuditEvent.objects.order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["set_call_limits", *["set_ceilings"] * 2, "set_call_limits"]


def test_amounts_of_the_provider_need_a_currency(staff: Client, db: None) -> None:
    page = told(staff, path(CallLimits, "add"), {"price_ceiling": "0.5"})
    assert "Amounts need a currency." in page
    told(staff, path(CallLimits, "add"), {"longest_call_seconds": "3600"})
    assert CallLimits.objects.get().longest_call_seconds == 3_600
