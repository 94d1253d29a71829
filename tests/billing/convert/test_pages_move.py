"""The wizard and the staff actions that move organisations (rules 2.3 and 2.4)."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import AuditEvent, Organisation, Role, User
from billing.models import AutoRecharge
from calling.models import Line, SpendingLimit
from tests import makers
from tests.accounts.recently import signed_in_recently
from tests.billing.convert.moving import REASON, assert_proven, make_twins, move
from tests.billing.recharging import make_card, switch_on
from tests.billing.transferring import announce
from tests.calling.plans import make_plan, signed_in, take

WIZARD, CONFIRM, DONE = (
    "/subscriptions/post-paid/",
    "/subscriptions/post-paid/confirm/",
    "/subscriptions/post-paid/done/",
)


@pytest.fixture
def staff(db: None, settings: Settings) -> User:
    settings.STAFF_NEED_SECOND_FACTOR = False
    user = makers.make_user("staff@provider.example", is_staff=True)
    user.is_superuser = True
    user.save()
    return user


def text_of(client: Client, address: str) -> str:
    return unescape(client.get(address).content.decode())


def mode_of(organisation: Organisation) -> str:
    return Organisation.objects.get(pk=organisation.pk).billing_mode


# --- the wizard -----------------------------------------------------------------------


def test_2_3_wizard_says_what_happens_and_only_its_last_button_moves(
    formosa: Organisation, alice: User, mei: Line
) -> None:
    makers.make_terms("USD")
    now = timezone.now()
    prepaid, nce = make_twins(nce_price="13")
    take(formosa, prepaid, mei, at=now - timedelta(days=1))
    makers.make_lot(formosa, "40", at=now)
    switch_on(formosa, make_card(formosa, at=now), at=now)
    transfer = announce(formosa, "100")
    client = signed_in_recently(alice)
    first = text_of(client, WIZARD)
    for said in (
        "is switched off",
        "US$40.00",
        "Used next",
        prepaid.name,
        "US$13.00",
        "now US$12.00",
        transfer.reference,
        "first invoice",
    ):
        assert said.lower() in first.lower(), said
    second = text_of(client, f"{WIZARD}?limit=5,000")
    assert "Step 2 of 2" in second
    assert "US$5,000.00" in second
    assert mode_of(formosa) == "PREPAID"
    answer = client.post(CONFIRM, {"limit": "5,000", "agreed": "on"})
    assert (answer.status_code, answer["Location"]) == (302, DONE)
    assert mode_of(formosa) == "NCE"
    assert not AutoRecharge.objects.exists()
    assert SpendingLimit.objects.get().amount == 5_000_000_000
    assert formosa.subscriptions.get(ends_at=None).plan == nce
    event = AuditEvent.objects.get(verb="move_to_nce")
    assert (event.actor, event.ip) == (alice, "127.0.0.1")
    done = text_of(client, DONE)
    assert "US$40.00" in done
    assert "US$5,000.00" in done
    again = client.post(CONFIRM, {"limit": "", "agreed": "on"})
    assert again["Location"] == DONE
    assert AuditEvent.objects.filter(verb="move_to_nce").count() == 1
    assert client.get(WIZARD)["Location"] == DONE
    assert_proven()


def test_without_the_tick_or_with_a_bad_limit_nothing_moves(
    formosa: Organisation, alice: User
) -> None:
    client = signed_in_recently(alice)
    refused = client.post(CONFIRM, {"limit": "100"})
    assert refused.status_code == 422
    assert "Tick the box" in refused.content.decode()
    assert client.get(f"{WIZARD}?limit=0").status_code == 422
    assert client.get(f"{WIZARD}?limit=many").status_code == 422
    assert client.post(CONFIRM, {"limit": "-1", "agreed": "on"}).status_code == 422
    formosa.refresh_from_db()
    assert formosa.buys_credits


def test_plan_without_a_twin_stands_in_the_way(
    formosa: Organisation, alice: User, mei: Line
) -> None:
    lonely = make_plan("pay-as-you-go")
    take(formosa, lonely, mei)
    client = signed_in_recently(alice)
    page = text_of(client, WIZARD)
    assert f"{lonely.name} is not offered in the other billing mode" in page
    assert "Continue" not in page
    refused = client.post(CONFIRM, {"limit": "", "agreed": "on"})
    assert refused.status_code == 422
    assert lonely.name in refused.content.decode()


@pytest.mark.parametrize("role", [Role.BILLING_ADMIN, Role.VIEWER, Role.DEVELOPER])
def test_owner_and_billing_admin_may_move(formosa: Organisation, role: Role) -> None:
    user = makers.make_user()
    makers.make_member(formosa, user, role)
    client = signed_in_recently(user)
    may = role == Role.BILLING_ADMIN
    assert client.get(WIZARD).status_code == (200 if may else 403)
    link = "See what the move does"
    assert (link in text_of(client, "/subscriptions/")) == may
    answer = client.post(CONFIRM, {"limit": "", "agreed": "on"})
    assert answer.status_code == (302 if may else 403)
    formosa.refresh_from_db()
    assert formosa.buys_credits == (not may)


def test_move_needs_a_recent_sign_in(formosa: Organisation, alice: User) -> None:
    client = signed_in(alice)
    for answer in (client.get(WIZARD), client.post(CONFIRM, {"agreed": "on"})):
        assert answer.status_code == 302
        assert "reauthenticate" in answer["Location"]
    formosa.refresh_from_db()
    assert formosa.buys_credits


# --- the pages afterwards -------------------------------------------------------------


def test_nce_credits_page_says_how_it_is_billed_and_has_no_way_to_buy(
    formosa: Organisation, alice: User
) -> None:
    makers.make_lot(formosa, "40", at=timezone.now())
    move(formosa, at=timezone.now(), spending_limit=70_000_000)
    client = signed_in(alice)
    for address in ("/credits/", "/"):
        page = text_of(client, address)
        assert "Billed after use, this month" in page
        assert "Next invoice" in page
        assert "US$70.00" in page
        assert "is spent first" in page
        for door in ("Add funds", "/credits/add/", "/auto-recharge/", "transfer/"):
            assert door not in page, (address, door)
    assert "US$40.00" in text_of(client, "/credits/")
    assert "of US$40.00" in text_of(client, "/credits/")
    assert "Post-paid" in text_of(client, "/credits/")


# --- staff ----------------------------------------------------------------------------


def act(client: Client, organisation: Organisation, action: str, **typed: str) -> str:
    """What the page says after the action is confirmed."""
    chosen = {"_selected_action": organisation.pk, "action": action}
    address = "/admin/accounts/organisation/"
    asked = client.post(address, chosen)
    assert b"Reason" in asked.content
    given = chosen | {"confirmed": "yes", "reason": REASON} | typed
    return unescape(client.post(address, given, follow=True).content.decode())


def test_2_3_staff_move_with_a_reason_and_a_limit(
    formosa: Organisation, staff: User
) -> None:
    client = Client()
    client.force_login(staff)
    assert "is billed after use" not in act(client, formosa, "move_to_nce", reason="x")
    formosa.refresh_from_db()
    assert formosa.buys_credits
    said = act(client, formosa, "move_to_nce", limit="250")
    assert "Formosa Tea Trading is billed after use." in said
    event = AuditEvent.objects.get(verb="move_to_nce")
    assert (event.actor, event.reason) == (staff, REASON)
    assert SpendingLimit.objects.get().amount == 250_000_000


def test_2_4_staff_move_back(formosa: Organisation, staff: User) -> None:
    move(formosa, at=timezone.now())
    client = Client()
    client.force_login(staff)
    assert "is prepaid." in act(client, formosa, "back_to_prepaid")
    formosa.refresh_from_db()
    assert formosa.buys_credits


def test_action_needs_the_permission(formosa: Organisation, staff: User) -> None:
    staff.is_superuser = False
    staff.save()
    client = Client()
    client.force_login(staff)
    listed = client.get("/admin/accounts/organisation/")
    assert not re.search(r"move_to_nce", listed.content.decode())
