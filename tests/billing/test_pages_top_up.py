"""The page of a purchase, whatever became of it (rules 4.2 to 4.4)."""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Notice, NoticeKind, Organisation, User
from accounts.send import compose
from billing.models import TopUp, TopUpState
from billing.refusals import PaymentsUnavailable
from tests import makers
from tests.billing.buying import DECLINED, Buyer, assert_paid_once
from tests.billing.test_pages_access import signed_in
from tests.stripe_sandbox import StripeSandbox

HTMX = {"HX-Request": "true"}


@pytest.fixture
def client(alice: User) -> Client:
    return signed_in(alice)


def page_of(client: Client, top_up: TopUp, query: str = "") -> str:
    answer = client.get(top_up.get_absolute_url() + query)
    assert answer.status_code == 200
    return str(answer.text)


def test_coming_back_after_paying_shows_the_receipt(
    client: Client, buyer: Buyer
) -> None:
    top_up = buyer.start("50")
    buyer.pay(top_up)
    text = page_of(client, top_up, "?checkout=returned")
    lot = assert_paid_once(top_up)
    top_up.refresh_from_db()
    assert "US$50.00 added." in text
    assert f"Receipt {top_up.receipt_number}" in text
    assert "was sent to billing@formosa.example" in text
    assert "These funds expire on" in text
    assert lot.original == top_up.credit_micros
    # A reload says the same and changes nothing.
    assert "US$50.00 added." in page_of(client, top_up)
    assert_paid_once(top_up)


def test_purchase_order_number_stands_on_the_receipt_and_in_its_mail(
    client: Client, buyer: Buyer
) -> None:
    top_up = buyer.start("50")
    TopUp.objects.filter(pk=top_up.pk).update(purchase_order="PO-2026-117")
    buyer.pay(top_up)
    assert "PO-2026-117" in page_of(client, top_up, "?checkout=returned")
    notices = Notice.objects.filter(kind=NoticeKind.RECEIPT)
    assert notices
    for notice in notices:
        mail = compose(notice)
        assert "PO-2026-117" in mail.body
        html = str(mail.alternatives[0][0])
        assert "PO-2026-117" in html


def test_a_viewer_reads_the_receipt_too(buyer: Buyer, bob: User) -> None:
    top_up = makers.make_top_up(buyer.organisation, "50")
    assert "US$50.00 added." in page_of(signed_in(bob), top_up)


def test_leaving_the_payment_page_offers_to_go_on(client: Client, buyer: Buyer) -> None:
    top_up = buyer.start("50")
    text = page_of(client, top_up, "?checkout=cancelled")
    assert "The payment is not finished." in text
    assert "nothing has been charged" in text
    assert f'href="{top_up.checkout_url}"' in text


def test_a_declined_card_is_named_and_another_may_be_tried(
    client: Client, buyer: Buyer
) -> None:
    top_up = buyer.start("50")
    buyer.pay(top_up, DECLINED)
    text = page_of(client, top_up)
    assert "The last card was declined." in text
    assert "Continue to payment" in text
    assert top_up.organisation.wallet.credit == 0


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (TopUpState.FAILED, "The payment failed."),
        (TopUpState.ABANDONED, "The payment was not made."),
    ],
)
def test_an_ended_purchase_says_that_nothing_was_charged(
    client: Client, formosa: Organisation, state: TopUpState, sentence: str
) -> None:
    top_up = makers.make_top_up(formosa, "50", state=state)
    text = page_of(client, top_up)
    assert sentence in text
    assert "nothing has been charged" in text
    assert "/credits/add/?amount=50" in text


def test_nce_organisation_is_not_led_back_to_buying(
    client: Client, formosa: Organisation
) -> None:
    top_up = makers.make_top_up(formosa, "50", state=TopUpState.FAILED)
    formosa.billing_mode = "NCE"
    formosa.save()
    assert "/credits/add/" not in page_of(client, top_up)


def test_a_payment_being_checked_updates_itself(
    client: Client, formosa: Organisation
) -> None:
    top_up = makers.make_top_up(
        formosa, "50", state=TopUpState.PROCESSING, at=timezone.now()
    )
    TopUp.objects.filter(pk=top_up.pk).update(looked_at=timezone.now())
    address = top_up.get_absolute_url()
    text = page_of(client, top_up)
    assert "US$50.00 is being checked." in text
    assert "Do not pay again." in text
    assert f'hx-get="{address}?shown=processing"' in text
    same = client.get(f"{address}?shown=processing", headers=HTMX)
    assert same.status_code == 204
    changed = client.get(f"{address}?shown=started", headers=HTMX)
    assert changed.status_code == 200
    assert "<html" not in changed.text
    assert "HX-Request" in changed["Vary"]


def test_coming_back_before_stripe_knows_waits_instead_of_asking_to_pay_again(
    client: Client, buyer: Buyer, stripe_sandbox: StripeSandbox
) -> None:
    top_up = buyer.start("50")
    stripe_sandbox.fail("http_500", "/v1/checkout/sessions", times=3, method="GET")
    text = page_of(client, top_up, "?checkout=returned")
    assert "is being checked." in text
    assert "Continue to payment" not in text


def test_the_page_stands_while_the_payment_service_is_away(
    client: Client, buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: object, **_more: object) -> TopUp:
        raise PaymentsUnavailable

    top_up = buyer.start("50")
    monkeypatch.setattr("billing.reconciling.reconcile.finish_top_up", away)
    assert "The payment is not finished." in page_of(client, top_up)
