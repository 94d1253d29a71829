"""Staff pages that lower a lot and forgive debt: two people, a reason (rule 3.9)."""

import re
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Organisation, StaffTask, User
from credits.models import LedgerEntry, Lot, LotKind, Wallet
from credits.money import to_micros
from credits.spend import spend
from tests.makers import make_lot, make_user

WHY = "Issued by mistake, case 1234."
VIEW = ("view_lot", "view_wallet", "view_organisation")


@pytest.fixture(autouse=True)
def no_second_factor(settings: Settings) -> None:
    settings.STAFF_NEED_SECOND_FACTOR = False  # tested where it belongs


def make_staff(name: str, *permissions: str) -> Client:
    user = make_user(f"{name}@provider.example", name=name, is_staff=True)
    found = Permission.objects.filter(codename__in=permissions)
    user.user_permissions.set(found)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def sue(db: None) -> Client:
    return make_staff("Sue", *VIEW, "add_ledgerentry")


@pytest.fixture
def tom(db: None) -> Client:
    return make_staff("Tom", *VIEW, "add_ledgerentry")


@pytest.fixture
def lot(formosa: Organisation) -> Lot:
    return make_lot(formosa, "10", at=timezone.now())


def act(client: Client, row: Lot | Wallet, page: str = "", **typed: str) -> str:
    """One click on the list; the page that comes of it. `page` is the one before."""
    action = "lower" if isinstance(row, Lot) else "forgive"
    sent = {"action": action, "_selected_action": str(row.pk), **typed}
    if page:
        hidden = re.findall(r'name="(once|asked)" value="([^"]+)"', page)
        sent |= {"confirmed": "yes", "reason": WHY, **dict(hidden), **typed}
    model = row._meta.model_name
    address = reverse(f"admin:credits_{model}_changelist")
    return unescape(client.post(address, sent, follow=True).content.decode())


def left(lot: Lot) -> int:
    return Lot.objects.get(pk=lot.pk).remaining


def test_a_lot_is_lowered_by_two_of_the_staff(
    sue: Client, tom: Client, lot: Lot, formosa: Organisation
) -> None:
    page = act(sue, lot)
    assert "At most US$10.00." in page
    told = act(sue, lot, page, amount="2.5")
    assert "somebody else has to confirm it within 24 hours" in told
    assert left(lot) == to_micros(10)
    page = act(tom, lot)
    assert "Sue asks to take US$2.50: US$10.00 left now, US$7.50 afterwards." in page
    assert WHY in page
    assert "done." in act(tom, lot, page)
    assert left(lot) == to_micros("7.5")
    entry = LedgerEntry.objects.get(kind="adjust")
    assert entry.actor == User.objects.get(email="tom@provider.example")
    assert LogEntry.objects.filter(object_id=str(lot.pk)).count() == 2
    assert StaffTask.objects.get().done_at is not None


def test_who_asked_is_told_to_wait_for_somebody_else(
    sue: Client, tom: Client, lot: Lot
) -> None:
    act(sue, lot, act(sue, lot), amount="2.5")
    told = act(sue, lot, act(sue, lot))
    assert "You asked for this adjustment; somebody else has to confirm it." in told
    assert left(lot) == to_micros(10)


def test_a_confirmation_sent_twice_lowers_once(
    sue: Client, tom: Client, lot: Lot
) -> None:
    act(sue, lot, act(sue, lot), amount="2.5")
    page = act(tom, lot)
    act(tom, lot, page)
    again = act(tom, lot, page)
    assert "This adjustment is done, withdrawn or older than 24 hours." in again
    assert left(lot) == to_micros("7.5")


def test_debt_is_forgiven_by_two_of_the_staff(
    sue: Client, tom: Client, formosa: Organisation
) -> None:
    now = timezone.now()
    spend(formosa, amount=3_000_000, reference="c#1", started_at=now, at=now)
    wallet = Wallet.objects.get(pk=formosa.pk)
    page = act(sue, wallet)
    assert "The organisation owes US$3.00" in page
    act(sue, wallet, page, amount="1")
    page = act(tom, wallet)
    assert "Sue asks to forgive US$1.00: US$3.00 owed now, US$2.00 afterwards." in page
    act(tom, wallet, page)
    wallet.refresh_from_db()
    assert wallet.debt == 2_000_000


def test_whoever_is_alone_adjusts_at_once(sue: Client, lot: Lot) -> None:
    assert "done." in act(sue, lot, act(sue, lot), amount="0.000001")
    assert left(lot) == 9_999_999


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"amount": "10.01"}, "This credit has less left than that"),
        ({"amount": "0"}, "This credit has less left than that"),
        ({"amount": "lots"}, "Enter an amount such as 1,000 or 50.25."),
        ({"amount": "-1"}, "Enter an amount such as 1,000 or 50.25."),
        ({"amount": "1", "reason": "short"}, "at least 10 characters"),
    ],
)
def test_what_is_refused_says_why(
    sue: Client, lot: Lot, typed: dict[str, str], sentence: str
) -> None:
    assert sentence in act(sue, lot, act(sue, lot), **typed)
    assert left(lot) == to_micros(10)


def test_one_row_at_a_time(sue: Client, lot: Lot, formosa: Organisation) -> None:
    other = make_lot(formosa, "5", at=timezone.now())
    sent = {"action": "lower", "_selected_action": [lot.pk, other.pk]}
    address = reverse("admin:credits_lot_changelist")
    page = sue.post(address, sent, follow=True).content.decode()
    assert "Choose one row" in page


def test_paid_credit_of_an_nce_organisation_may_be_lowered(
    sue: Client, contoso: Organisation, formosa: Organisation
) -> None:
    """Rule 2.1 is about more credit; rule 2.3 leaves them what they have."""
    kept = make_lot(formosa, "50", kind=LotKind.PURCHASE, at=timezone.now())
    Organisation.objects.filter(pk=formosa.pk).update(billing_mode="NCE")
    act(sue, kept, act(sue, kept), amount="1")
    assert left(kept) == to_micros(49)
    Organisation.objects.filter(pk=formosa.pk).update(billing_mode="PREPAID")


def test_without_the_permission_there_is_no_such_action(
    lot: Lot, formosa: Organisation
) -> None:
    clerk = make_staff("Clerk", *VIEW, "change_lot", "grant_credit")
    now = timezone.now()
    for row in (lot, Wallet.objects.get(pk=formosa.pk)):
        listed = clerk.get(reverse(f"admin:credits_{row._meta.model_name}_changelist"))
        assert listed.status_code == 200
        assert "Lower what is left" not in listed.content.decode()
        assert "Forgive debt" not in listed.content.decode()
        act(clerk, row, "page", amount="1", once="x", asked="adjust:x")
    assert not LedgerEntry.objects.filter(kind="adjust", booked_at__gte=now).exists()
    assert not StaffTask.objects.exists()
    assert left(lot) == to_micros(10)


@pytest.mark.parametrize("who", ["alice", "nobody"])
def test_customers_and_strangers_reach_nothing(
    who: str, alice: User, lot: Lot, client: Client
) -> None:
    if who == "alice":
        client.force_login(alice)
    act(client, lot, "page", amount="1", once="x")
    assert left(lot) == to_micros(10)
    assert not StaffTask.objects.exists()
