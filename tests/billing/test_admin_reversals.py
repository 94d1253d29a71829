"""Staff refund, send back, extend and close; and see what expired (rules 1.8, 4.7)."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import AuditEvent, Organisation, User
from billing.models import Dispute, Refund
from billing.reversing.dispute import note_dispute
from billing.reversing.refund_staff_payment import ask_staff_refund
from billing.staff_payment import record_staff_payment
from credits.expire import expire_due_lots
from credits.models import Lot, LotKind
from credits.money import to_micros
from tests.billing.reversing import (
    REASON,
    amounts,
    dollars,
    lot_of,
    make_sale,
    seen_dispute,
)
from tests.makers import make_lot
from tests.stripe_sandbox import StripeSandbox


@pytest.fixture
def root(client: Client, db: None, settings: Settings) -> User:
    settings.STAFF_NEED_SECOND_FACTOR = False
    root = User.objects.create_superuser("root@provider.example", "correct horse")
    client.force_login(root)
    return root


def act(client: Client, page: str, action: str, *rows: Any, **typed: str) -> str:
    """One click on a list; the page that comes of it, redirects followed."""
    chosen = [row.pk for row in rows]
    sent = {"action": action, "_selected_action": chosen, **typed}
    return unescape(client.post(page, sent, follow=True).content.decode())


def confirm(client: Client, page: str, action: str, *rows: Any, **typed: str) -> str:
    """The first click asks; the second, with the form's own token, does it."""
    asked = act(client, page, action, *rows)
    found = re.search(r'name="once" value="([^"]+)"', asked)
    once = found.group(1) if found else ""
    more = {"confirmed": "yes", "reason": REASON, "once": once, **typed}
    return act(client, page, action, *rows, **more)


TOP_UPS = "/admin/billing/topup/"
TRANSFERS = "/admin/billing/staffpayment/"
REFUNDS = "/admin/billing/refund/"
LOTS = "/admin/credits/lot/"
ORGANISATIONS = "/admin/accounts/organisation/"


def test_staff_refund_a_top_up_after_confirming(
    client: Client, root: User, formosa: Organisation, stripe_sandbox: StripeSandbox
) -> None:
    now = timezone.now()
    sale = make_sale(formosa, "100", "5", card="pm_card_visa", at=now)
    asked = act(client, TOP_UPS, "refund", sale)
    assert "At most US$100.00" in asked
    assert 'value="100.00"' in asked
    assert not Refund.objects.exists()
    said = confirm(client, TOP_UPS, "refund", sale, amount="40")
    assert "The refund is recorded." in said
    assert Refund.objects.get().total == dollars("42")
    assert amounts(formosa) == ("US$60.00", "US$0.00")
    refused = confirm(client, TOP_UPS, "refund", sale, amount="60.01")
    assert "unspent" in refused


def test_a_second_click_is_the_same_refund(
    client: Client, root: User, formosa: Organisation, stripe_sandbox: StripeSandbox
) -> None:
    sale = make_sale(formosa, "100", card="pm_card_visa", at=timezone.now())
    for _ in range(2):
        sent = {"confirmed": "yes", "reason": REASON, "once": "t1", "amount": "40"}
        act(client, TOP_UPS, "refund", sale, **sent)
    assert Refund.objects.count() == 1


def test_one_payment_is_refunded_at_a_time(
    client: Client, root: User, formosa: Organisation
) -> None:
    sales = [make_sale(formosa), make_sale(formosa)]
    assert "Choose one row" in act(client, TOP_UPS, "refund", *sales)


def test_staff_record_money_they_sent_back(
    client: Client, root: User, formosa: Organisation
) -> None:
    payment = record_staff_payment(
        formosa,
        to_micros("60"),
        bank_reference="IN-1",
        recorded_by=root,
        note=REASON,
        at=timezone.now(),
    )
    confirm(
        client, TRANSFERS, "send_back", payment, amount="20", bank_reference="OUT-1"
    )
    assert Refund.objects.get().bank_reference == "OUT-1"
    waiting = ask_staff_refund(
        payment,
        to_micros("30"),
        client_key="close:1",
        reason=REASON,
        actor=root,
        at=timezone.now(),
    )
    confirm(client, REFUNDS, "sent", waiting, bank_reference="OUT-2")
    waiting.refresh_from_db()
    assert (waiting.state, waiting.bank_reference) == ("succeeded", "OUT-2")
    assert amounts(formosa) == ("US$10.00", "US$0.00")


def test_staff_give_a_transfer_back_up(
    client: Client, root: User, formosa: Organisation
) -> None:
    payment = record_staff_payment(
        formosa,
        to_micros("60"),
        bank_reference="IN-1",
        recorded_by=root,
        note=REASON,
        at=timezone.now(),
    )
    waiting = ask_staff_refund(
        payment,
        to_micros("30"),
        client_key="close:1",
        reason=REASON,
        actor=root,
        at=timezone.now(),
    )
    confirm(client, REFUNDS, "give_up", waiting)
    assert amounts(formosa) == ("US$60.00", "US$0.00")


def test_staff_extend_a_lot_once(
    client: Client, root: User, formosa: Organisation
) -> None:
    now = timezone.now()
    lot = lot_of(make_sale(formosa, at=now))
    later = (lot.expires_at + timedelta(days=30)).date().isoformat()
    assert "is extended" in confirm(client, LOTS, "extend", lot, last_day=later)
    again = (lot.expires_at + timedelta(days=60)).date().isoformat()
    assert "extended once" in confirm(client, LOTS, "extend", lot, last_day=again)
    assert AuditEvent.objects.get(verb="extend_lot").reason == REASON


def test_staff_close_an_organisation(
    client: Client, root: User, formosa: Organisation
) -> None:
    make_lot(formosa, "20", at=timezone.now())
    assert "cannot be undone" in act(client, ORGANISATIONS, "close", formosa)
    formosa.refresh_from_db()
    assert formosa.closed_at is None
    assert "is closed." in confirm(client, ORGANISATIONS, "close", formosa)
    formosa.refresh_from_db()
    assert formosa.closed_at is not None


def test_the_list_of_disputes_names_the_day_an_answer_is_due(
    client: Client, root: User, formosa: Organisation
) -> None:
    sale = make_sale(formosa)
    note_dispute(sale, seen_dispute(sale), at=timezone.now())
    page = client.get("/admin/billing/dispute/").content.decode()
    assert Dispute.objects.get().stripe_dispute_id in page
    assert re.search(r"field-evidence_due_at[^>]*>[^<]*2026", page)


def test_breakage_by_month_tells_paid_from_promotional(
    client: Client, root: User, formosa: Organisation
) -> None:
    make_lot(formosa, "20", months=12)
    make_lot(formosa, "60", kind=LotKind.PURCHASE)
    expire_due_lots(Lot.objects.latest("pk").expires_at + timedelta(days=4))
    page = client.get("/admin/credits/ledgerentry/breakage/").content.decode()
    assert "2027-01" in page
    assert "$60.00" in page
    assert "$20.00" in page


def test_pages_about_refunds_are_for_those_who_may(
    client: Client, formosa: Organisation, settings: Settings
) -> None:
    settings.STAFF_NEED_SECOND_FACTOR = False
    clerk = User.objects.create_user(
        "clerk@provider.example", "correct horse", is_staff=True
    )
    client.force_login(clerk)
    assert client.get("/admin/credits/ledgerentry/breakage/").status_code == 403
    assert client.get(REFUNDS).status_code == 403
