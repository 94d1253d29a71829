"""The staff page that credits a call (rules 2.1 and 3.9)."""

from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import AuditEvent, Organisation, User
from calling.models import CallRecord, Source
from credits.models import LedgerEntry, Wallet
from tests.calling.telephony import give_credit, make_record, take_in
from tests.makers import make_user

pytestmark = pytest.mark.usefixtures("card", "mei")
WHY = "Nobody could hear a word, case 77."
LIST = "admin:calling_callrecord_changelist"


@pytest.fixture(autouse=True)
def no_second_factor(settings: Settings) -> None:
    settings.STAFF_NEED_SECOND_FACTOR = False  # tested where it belongs


def make_staff(name: str, *permissions: str) -> Client:
    user = make_user(f"{name}@provider.example", name=name, is_staff=True)
    found = Permission.objects.filter(codename__in=["view_callrecord", *permissions])
    user.user_permissions.set(found)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def sue(db: None) -> Client:
    return make_staff("Sue", "change_callrecord")


@pytest.fixture
def call(pbx: Source, formosa: Organisation) -> CallRecord:
    """Cost 0.063, paid by a lot of one dollar."""
    give_credit(formosa, "1", at=timezone.now())
    take_in(pbx, make_record("a", seconds=180))
    return CallRecord.objects.get()


def act(client: Client, *calls: CallRecord, **typed: str) -> str:
    sent = {
        "action": "credit",
        "_selected_action": [str(call.pk) for call in calls],
        **({"confirmed": "yes", "reason": WHY} if typed else {}),
        **typed,
    }
    return unescape(client.post(reverse(LIST), sent, follow=True).content.decode())


def credited() -> list[int]:
    found = LedgerEntry.objects.filter(kind="credit_call")
    return list(found.values_list("amount", flat=True))


def test_a_call_is_credited_after_a_look(
    sue: Client, call: CallRecord, formosa: Organisation
) -> None:
    page = act(sue, call)
    assert "At most US$0.063." in page
    assert 'value="0.063"' in page
    assert "Balance now US$0.937, at most US$1.00 afterwards." in page
    assert credited() == []
    assert "US$0.0138 credited." in act(sue, call, amount="0.0138")
    assert credited() == [13_800]
    assert Wallet.objects.get(pk=formosa.pk).credit == 1_000_000 - 63_000 + 13_800
    event = AuditEvent.objects.get(verb="credit_call")
    assert (event.actor, event.reason) == (
        User.objects.get(email="sue@provider.example"),
        WHY,
    )
    assert LogEntry.objects.get().object_id == str(call.pk)


def test_a_second_click_credits_nothing(sue: Client, call: CallRecord) -> None:
    act(sue, call, amount="0.01")
    told = act(sue, call, amount="0.01")
    assert "No more goes back than the call took" in told
    assert credited() == [10_000]


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        ("0.063001", "No more goes back than the call took"),
        ("0", "No more goes back than the call took"),
        ("-0.01", "Enter an amount such as 1,000 or 50.25."),
        ("0.0000001", "at most six decimal places"),
    ],
)
def test_what_is_refused_says_why(
    sue: Client, call: CallRecord, amount: str, sentence: str
) -> None:
    assert sentence in act(sue, call, amount=amount)
    assert credited() == []


def test_nce_is_refused_in_one_sentence(
    sue: Client, call: CallRecord, formosa: Organisation
) -> None:
    Organisation.objects.filter(pk=formosa.pk).update(billing_mode="NCE")
    assert "goodwill is a negative invoice line" in act(sue, call)
    assert "goodwill is a negative invoice line" in act(sue, call, amount="0.01")
    Organisation.objects.filter(pk=formosa.pk).update(billing_mode="PREPAID")
    assert credited() == []


def test_one_call_at_a_time(sue: Client, pbx: Source, call: CallRecord) -> None:
    take_in(pbx, make_record("b", seconds=60))
    assert "Choose one call" in act(sue, *CallRecord.objects.all())


def test_without_the_permission_there_is_no_such_action(call: CallRecord) -> None:
    clerk = make_staff("Clerk", "change_charge", "add_ledgerentry")
    listed = clerk.get(reverse(LIST))
    assert listed.status_code == 200
    assert "Credit a call" not in listed.content.decode()
    act(clerk, call, amount="0.01")
    assert credited() == []


@pytest.mark.parametrize("who", ["alice", "nobody"])
def test_customers_and_strangers_credit_nothing(
    who: str, alice: User, call: CallRecord, client: Client
) -> None:
    if who == "alice":
        client.force_login(alice)
    act(client, call, amount="0.01")
    assert credited() == []
