"""A top-up against the sandbox Stripe: started, paid, declined, lost (rule 4)."""

from datetime import timedelta

import pytest
import stripe
from django.utils import timezone

from accounts.models import (
    AuditEvent,
    Notice,
    NoticeKind,
    Role,
    StaffTask,
)
from billing.models import TopUp
from billing.reconciling.reconcile import (
    look_again,
    reconcile_top_ups,
)
from billing.refusals import (
    ClientKeyReused,
    PaymentsUnavailable,
    StillRunning,
)
from billing.top_up import finish_top_up
from credits.models import Lot, Wallet
from credits.money import to_micros
from credits.prove import prove as prove_credits
from credits.spend import spend
from tests import makers
from tests.billing.buying import (
    ASKS_3DS,
    DECLINED,
    SITE,
    Buyer,
    assert_nothing_issued,
    assert_paid_once,
)
from tests.sandbox.clicks import visit

HUNDRED = to_micros("100")


# --- paid -------------------------------------------------------------------------


def test_card_payment_becomes_credit_on_return(buyer: Buyer) -> None:
    top_up = buyer.start("100")
    assert (top_up.state, top_up.total_micros) == ("started", HUNDRED)
    assert_nothing_issued()
    page = buyer.pay(top_up)
    assert page.location == f"{SITE}/top-ups/{top_up.pk}/?checkout=returned"
    buyer.come_back(top_up)
    assert_paid_once(top_up)
    assert top_up.stripe_payment_intent_id == buyer.payment_of(top_up)
    year = buyer.organisation.local_day(timezone.now()).year
    assert top_up.receipt_number == f"R-{year}-0001"
    owed = Notice.objects.filter(kind=NoticeKind.RECEIPT)
    assert [notice.recipient for notice in owed] == ["billing@formosa.example"]
    verbs = AuditEvent.objects.order_by("id").values_list("verb", flat=True)
    assert list(verbs) == ["start_top_up", "top_up_paid"]


def test_payment_page_says_what_is_bought_and_for_whom(buyer: Buyer) -> None:
    top_up = buyer.start("123.45")
    session = stripe.checkout.Session.retrieve(top_up.stripe_session_id)
    assert (session.amount_total, session.currency) == (12_345, "usd")
    assert session.metadata is not None
    assert session.metadata.to_dict() == {
        "top_up": str(top_up.pk),
        "organisation": str(buyer.organisation.pk),
    }
    assert session.customer == top_up.stripe_customer_id
    assert session.client_reference_id == f"top-up:{top_up.pk}"


def test_same_customer_buys_twice(buyer: Buyer) -> None:
    first, second = buyer.start("100"), buyer.start("50")
    assert first.stripe_customer_id == second.stripe_customer_id
    for top_up in (first, second):
        buyer.pay(top_up)
        buyer.come_back(top_up)
    assert Wallet.objects.get().credit == to_micros("150")
    numbers = TopUp.objects.order_by("id").values_list("receipt_number", flat=True)
    assert [number[-4:] for number in numbers] == ["0001", "0002"]


def test_declined_card_is_noted_and_another_card_pays(buyer: Buyer) -> None:
    top_up = buyer.start()
    buyer.pay(top_up, DECLINED)
    buyer.come_back(top_up)
    top_up.refresh_from_db()
    assert (top_up.state, top_up.failure_code) == ("started", "generic_decline")
    assert_nothing_issued()
    assert not Notice.objects.exists()
    buyer.pay(top_up)
    TopUp.objects.update(looked_at=None)
    buyer.come_back(top_up)
    assert_paid_once(top_up)
    assert top_up.failure_code == ""


def test_card_that_asks_for_authentication_pays_after_it(buyer: Buyer) -> None:
    top_up = buyer.start()
    asked = buyer.pay(top_up, ASKS_3DS)
    assert "/3ds/" in asked.location
    buyer.come_back(top_up)
    assert_nothing_issued()
    visit(asked.location, {"outcome": "complete"})
    TopUp.objects.update(looked_at=None)
    buyer.come_back(top_up)
    assert_paid_once(top_up)


def test_taiwan_dollars_are_sold_whole_and_charged_in_cents(
    buyer: Buyer,
) -> None:
    makers.make_terms("TWD", minimum="1500")
    taipei = Buyer(makers.make_organisation(currency="TWD"), buyer.sandbox)
    makers.make_member(taipei.organisation, buyer.owner, Role.OWNER)
    top_up = taipei.start("1500")
    session = stripe.checkout.Session.retrieve(top_up.stripe_session_id)
    assert (session.amount_total, session.currency) == (150_000, "twd")
    taipei.pay(top_up)
    taipei.come_back(top_up)
    assert assert_paid_once(top_up).original == to_micros("1500")


def test_new_funds_pay_what_calls_cost_beyond_the_balance_first(buyer: Buyer) -> None:
    """Rule 3.6."""
    at = timezone.now()
    spend(
        buyer.organisation,
        amount=to_micros("3.18"),
        reference="call:1#1",
        started_at=at,
        at=at,
    )
    top_up = buyer.start("100")
    buyer.pay(top_up)
    buyer.come_back(top_up)
    wallet = Wallet.objects.get()
    assert (wallet.credit, wallet.debt) == (to_micros("96.82"), 0)
    assert Lot.objects.get(sale_id=top_up.pk).remaining == to_micros("96.82")
    assert prove_credits(at=timezone.now()).breaches == []


# --- once, whatever happens -------------------------------------------------------


def test_b1_same_client_key_gives_the_first_top_up_again(buyer: Buyer) -> None:
    first = buyer.start("100", key="form:1")
    again = buyer.start("100", key="form:1")
    assert (again.pk, again.checkout_url) == (first.pk, first.checkout_url)
    assert TopUp.objects.count() == 1
    assert len(stripe.checkout.Session.list(limit=10).data) == 1
    buyer.pay(first)
    buyer.come_back(first)
    assert buyer.start("100", key="form:1").is_paid
    assert_paid_once(first)


def test_b1_same_client_key_with_another_amount_is_refused(buyer: Buyer) -> None:
    first = buyer.start("100", key="form:1")
    with pytest.raises(ClientKeyReused) as refused:
        buyer.start("200", key="form:1")
    assert refused.value.status == 422
    assert TopUp.objects.get() == first


def test_b1_second_request_waits_while_the_first_runs(buyer: Buyer) -> None:
    first = buyer.start("100", key="form:1")
    TopUp.objects.update(checkout_url="", opening_at=timezone.now())
    with pytest.raises(StillRunning) as refused:
        buyer.start("100", key="form:1")
    assert refused.value.status == 409
    later = timezone.now() + timedelta(minutes=2)
    taken_over = buyer.start("100", key="form:1", at=later)
    assert taken_over.checkout_url == first.checkout_url


@pytest.mark.parametrize("loss", ["connection_reset_after", "timeout_after_charge"])
def test_b6_answer_that_was_lost_leads_to_the_same_page(
    buyer: Buyer, loss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer.start("50")  # the customer exists at Stripe from now on
    impatient = stripe.RequestsClient(timeout=0.5)
    monkeypatch.setattr(stripe, "default_http_client", impatient)
    buyer.sandbox.fail(loss, "/v1/checkout/sessions")
    with pytest.raises(PaymentsUnavailable):
        buyer.start("100", key="form:1")
    row = TopUp.objects.get(client_key="form:1")
    assert (row.state, row.checkout_url, row.opening_at) == ("started", "", None)
    again = buyer.start("100", key="form:1")
    assert again.pk == row.pk
    assert again.checkout_url
    assert len(stripe.checkout.Session.list(limit=10).data) == 2


def test_stripe_being_away_refuses_and_charges_nothing(buyer: Buyer) -> None:
    for kind in ("connection_reset", "http_500", "http_429"):
        buyer.sandbox.fail(kind, "/v1/customers")
        with pytest.raises(PaymentsUnavailable) as refused:
            buyer.start(key=f"form:{kind}")
        assert (refused.value.code, refused.value.status) == (
            "payments_unavailable",
            503,
        )
    assert_nothing_issued()


def test_b58_lost_event_is_made_good_by_reconciliation(buyer: Buyer) -> None:
    """The customer pays and closes the browser, and no event arrives."""
    top_up = buyer.start(at=timezone.now() - timedelta(minutes=5))
    buyer.pay(top_up)
    assert reconcile_top_ups(timezone.now()) == 1
    assert_paid_once(top_up)
    assert reconcile_top_ups(timezone.now()) == 0


def test_finishing_again_and_again_issues_once(buyer: Buyer) -> None:
    top_up = buyer.start()
    buyer.pay(top_up)
    payment = buyer.payment_of(top_up)
    for _ in range(3):
        finish_top_up(top_up.pk, at=timezone.now(), payment_id=payment)
        finish_top_up(top_up.pk, at=timezone.now())
    assert_paid_once(top_up)
    assert Notice.objects.filter(kind=NoticeKind.RECEIPT).count() == 1
    assert not StaffTask.objects.exists()


def test_looking_again_does_not_ask_stripe_all_the_time(buyer: Buyer) -> None:
    top_up = buyer.start()
    now = timezone.now()
    look_again(top_up, at=now)
    buyer.sandbox.fail("http_500", "/v1/", method="GET", times=5)
    top_up.refresh_from_db()
    look_again(top_up, at=now + timedelta(seconds=1))
    assert TopUp.objects.get().looked_at == now
    assert look_again(top_up, at=now + timedelta(seconds=5)).state == "started"


# --- not paid ---------------------------------------------------------------------


def test_payment_page_that_expires_leaves_the_top_up_abandoned(buyer: Buyer) -> None:
    top_up = buyer.start(at=timezone.now() - timedelta(minutes=5))
    stripe.checkout.Session.expire(top_up.stripe_session_id)
    reconcile_top_ups(timezone.now())
    top_up.refresh_from_db()
    assert (top_up.state, top_up.ended_at is None) == ("abandoned", False)
    assert_nothing_issued()
    assert not Notice.objects.exists()


def test_top_up_whose_page_never_opened_is_abandoned_after_a_day(buyer: Buyer) -> None:
    a_day_ago = timezone.now() - timedelta(hours=25)
    buyer.sandbox.fail("http_500", "/v1/customers")
    with pytest.raises(PaymentsUnavailable):
        buyer.start(at=a_day_ago)
    reconcile_top_ups(timezone.now())
    assert TopUp.objects.get().state == "abandoned"


def test_slow_payment_counts_as_incoming_until_it_is_paid(buyer: Buyer) -> None:
    top_up = buyer.start()
    buyer.sandbox.fail("processing", "/c/pay/")
    buyer.pay(top_up)
    buyer.come_back(top_up)
    top_up.refresh_from_db()
    assert top_up.state == "processing"
    assert Wallet.objects.get().incoming == HUNDRED
    assert_nothing_issued()
    buyer.sandbox.finish_processing(buyer.payment_of(top_up), "succeeded")
    finish_top_up(top_up.pk, at=timezone.now())
    assert_paid_once(top_up)


def test_slow_payment_that_fails_tells_the_customer(buyer: Buyer) -> None:
    top_up = buyer.start()
    buyer.sandbox.fail("processing", "/c/pay/")
    buyer.pay(top_up)
    buyer.come_back(top_up)
    buyer.sandbox.finish_processing(buyer.payment_of(top_up), "failed")
    finish_top_up(top_up.pk, at=timezone.now())
    top_up.refresh_from_db()
    assert (top_up.state, top_up.failure_code) == ("failed", "processing_error")
    assert Wallet.objects.get().incoming == 0
    assert_nothing_issued()
    assert Notice.objects.filter(kind=NoticeKind.TOP_UP_FAILED).count() == 1
