"""The pages about announced transfers: the customer's three steps, and the staff's."""

import re
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import (
    BillingMode,
    Organisation,
    ProviderSettings,
    User,
)
from billing.models import (
    StaffPayment,
    TransferAnnouncement,
)
from billing.transfers.match_transfer import match_transfer
from credits.models import Wallet
from credits.money import to_micros
from tests import makers
from tests.billing.transferring import FEE, REASON, announce, match

FORM = "/credits/transfer/"
KEY = "5f0c7c7e-3c51-4f0e-9a2b-0d5a4f6f6f11"


@pytest.fixture(autouse=True)
def _sold(db: None) -> None:
    makers.make_terms("USD")


@pytest.fixture
def staff(settings: Settings) -> User:
    settings.STAFF_NEED_SECOND_FACTOR = False
    return User.objects.create_superuser("staff@provider.example", "correct horse")


# --- the customer's pages -------------------------------------------------------------


def typed(**changes: str) -> dict[str, str]:
    return {"amount": "5,000", "purchase_order": "PO-77", "key": KEY, **changes}


def text_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def get(client: Client, address: str) -> str:
    answer = client.get(address, follow=True)
    assert answer.status_code == 200
    return text_of(answer.content.decode())


def test_customer_announces_and_reads_what_to_write_at_the_bank(
    client: Client, formosa: Organisation, alice: User
) -> None:
    ProviderSettings.objects.create(pk=1, name="Acme", bank_details="IBAN DE89 3704")
    client.force_login(alice)
    assert 'href="/credits/transfer/"' in client.get("/credits/add/").content.decode()
    assert client.get(FORM).status_code == 200
    for _ in range(2):  # a double click
        answer = client.post(FORM, typed())
        transfer = TransferAnnouncement.objects.get()
        assert answer.headers["Location"] == transfer.get_absolute_url()
    shown = get(client, transfer.get_absolute_url())
    assert "Bank transfer of US$5,000.00 announced." in shown
    assert "Not spendable until it arrives." in shown
    for said in (transfer.reference, "IBAN DE89 3704", "Acme", "PO-77"):
        assert said in shown
    for before in ("Not set up", "Service active"):
        shown = get(client, "/credits/")
        assert "Bank transfer of US$5,000.00 announced." in shown
        assert transfer.reference in shown
        assert before in shown
        makers.make_lot(formosa, "100", at=timezone.now())


def test_form_says_what_is_wrong_beside_the_amount(
    client: Client, formosa: Organisation, alice: User
) -> None:
    client.force_login(alice)
    answer = client.post(FORM, typed(amount="10"))
    assert answer.status_code == 422
    assert "The smallest amount is US$50.00." in text_of(answer.content.decode())
    assert not TransferAnnouncement.objects.exists()


def test_customer_cancels_the_announcement(
    client: Client, formosa: Organisation, alice: User
) -> None:
    client.force_login(alice)
    transfer = announce(formosa)
    answer = client.post(f"/transfers/{transfer.pk}/cancel/", follow=True)
    assert "The announcement was cancelled." in text_of(answer.content.decode())
    assert "announced" not in get(client, "/credits/")
    assert client.get(f"/transfers/{transfer.pk}/cancel/").status_code == 405


def test_page_becomes_the_receipt_once_the_money_arrived(
    client: Client, formosa: Organisation, alice: User, staff: User
) -> None:
    client.force_login(alice)
    transfer = announce(formosa, purchase_order="PO-77")
    payment = match_transfer(
        transfer,
        to_micros("4985"),
        bank_reference="HSBC-1",
        recorded_by=staff,
        note=REASON,
        difference=FEE,
        at=timezone.now(),
    )
    shown = get(client, transfer.get_absolute_url())
    for said in ("US$4,985.00 added.", "PO-77", "HSBC-1", payment.receipt_number):
        assert said in shown
    assert "Announced US$5,000.00" in shown
    assert FEE not in shown  # staff's note is not the customer's
    # Cancelling too late changes nothing and leads to the receipt.
    answer = client.post(f"/transfers/{transfer.pk}/cancel/", follow=True)
    assert payment.receipt_number in text_of(answer.content.decode())
    activity = client.get("/credits/").content.decode()
    assert f'href="{payment.get_absolute_url()}"' in activity


def test_viewer_reads_but_neither_announces_nor_cancels(
    client: Client, formosa: Organisation, bob: User
) -> None:
    client.force_login(bob)
    transfer = announce(formosa)
    assert transfer.reference in get(client, transfer.get_absolute_url())
    assert client.get(FORM).status_code == 403
    assert client.post(FORM, typed()).status_code == 403
    assert client.post(f"/transfers/{transfer.pk}/cancel/").status_code == 403
    transfer.refresh_from_db()
    assert transfer.is_open


def test_b48_other_organisations_see_nothing_of_it(
    client: Client,
    formosa: Organisation,
    contoso: Organisation,
    charlie: User,
    staff: User,
) -> None:
    transfer, other = announce(formosa), announce(formosa, key="form:2")
    payment = match(other, by=staff)
    client.force_login(charlie)
    assert client.get(transfer.get_absolute_url()).status_code == 404
    assert client.get(payment.get_absolute_url()).status_code == 404
    assert client.post(f"/transfers/{transfer.pk}/cancel/").status_code in {403, 404}
    transfer.refresh_from_db()
    assert transfer.is_open


# --- the staff's page -----------------------------------------------------------------


def staff_sees(client: Client, address: str, form: dict[str, str] | None = None) -> str:
    if form is None:
        answer = client.get(address, follow=True)
    else:
        answer = client.post(address, form, follow=True)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def test_staff_match_after_a_look_at_before_and_after(
    client: Client, formosa: Organisation, staff: User
) -> None:
    client.force_login(staff)
    transfer = announce(formosa)
    address = f"/admin/billing/transferannouncement/{transfer.pk}/match/"
    chosen = {"action": "match", "_selected_action": str(transfer.pk)}
    listing = "/admin/billing/transferannouncement/"
    blank = staff_sees(client, listing, chosen)
    assert 'value="5000"' in blank
    form = {"amount": "4985", "bank_reference": "HSBC-1", "reason": REASON}
    preview = form | {"step": "preview"}
    assert "say why" in staff_sees(client, address, preview)
    form["difference"] = FEE
    seen = staff_sees(client, address, form | {"step": "preview"})
    assert "is not the amount announced" in seen
    assert "US$4,985.00" in seen
    assert not StaffPayment.objects.exists()
    found = re.search(r'name="once" value="([^"]+)"', seen)
    assert found
    confirm = form | {"step": "confirm", "once": found.group(1)}
    told = staff_sees(client, address, confirm)
    assert "US$4,985.00 added, receipt R-" in told
    assert "has arrived or was cancelled already" in staff_sees(
        client, address, confirm
    )
    assert Wallet.objects.get(pk=formosa.pk).credit == to_micros("4985")


def test_2_2_staff_are_told_what_an_organisation_that_moved_still_gets(
    client: Client, formosa: Organisation, staff: User
) -> None:
    client.force_login(staff)
    transfer = announce(formosa)
    Organisation.objects.filter(pk=formosa.pk).update(billing_mode=BillingMode.NCE)
    address = f"/admin/billing/transferannouncement/{transfer.pk}/match/"
    assert "at most the amount announced" in staff_sees(client, address)


def test_match_needs_the_permission_and_one_transfer(
    client: Client, formosa: Organisation, staff: User
) -> None:
    first, second = announce(formosa), announce(formosa, key="form:2")
    client.force_login(staff)
    chosen = {"action": "match", "_selected_action": [str(first.pk), str(second.pk)]}
    listing = "/admin/billing/transferannouncement/"
    answer = client.post(listing, chosen, follow=True)
    assert "Choose one transfer" in answer.content.decode()
    client.force_login(makers.make_user("support@provider.example", is_staff=True))
    assert client.get(f"{listing}{first.pk}/match/").status_code == 403
