"""A card is saved at Stripe's page, once however often it is told (rule 5.1)."""

from datetime import timedelta

import pytest
import stripe
from django.utils import timezone

from accounts.models import AuditEvent, Organisation, Role, StaffTask
from billing.cards.card_setup import (
    PAGE_LASTS,
    finish_card_setup,
    finish_card_setups,
    look_again,
)
from billing.models import CardSetup, CardSetupState, PaymentMethod, TopUp
from billing.refusals import PaymentsUnavailable
from billing.work_event import work_event
from tests import makers
from tests.billing.buying import Buyer
from tests.billing.saving_cards import MASTERCARD, save_card, start
from tests.sandbox.clicks import VISA, card, visit
from tests.stripe_sandbox import StripeSandbox

NEVER_ATTACHES = "4000 0000 0000 0002"


def kept(organisation: Organisation) -> list[PaymentMethod]:
    return list(PaymentMethod.objects.kept().filter(organisation=organisation))


def at_stripe(method: PaymentMethod) -> set[str]:
    """The cards Stripe keeps of this customer."""
    found = stripe.PaymentMethod.list(customer=method.stripe_customer_id, limit=100)
    return {one.id for one in found.data}


def test_the_first_card_is_saved_and_is_the_default(
    buyer: Buyer, formosa: Organisation
) -> None:
    method = save_card(formosa)
    assert (method.brand, method.last_four) == ("visa", "4242")
    assert (method.expiry_year, method.expiry_month) == (2034, 12)
    assert method.is_default
    assert method.is_reusable
    assert method.title == "Visa ending 4242"
    assert method.added_by == buyer.owner
    setup = CardSetup.objects.get()
    assert (setup.state, setup.payment_method) == (CardSetupState.DONE, method)
    assert AuditEvent.objects.filter(verb="save_card").count() == 1
    assert not TopUp.objects.exists()


def test_a_second_card_leaves_the_default_unless_it_shall_be(
    buyer: Buyer, formosa: Organisation
) -> None:
    first = save_card(formosa)
    second = save_card(formosa, MASTERCARD)
    assert (second.is_default, second.brand_name) == (False, "Mastercard")
    third = save_card(formosa, "3782 822463 10005", cvc="1234", becomes_default=True)
    assert third.is_default
    assert third.brand_name == "American Express"
    first.refresh_from_db()
    assert not first.is_default


def test_the_same_key_is_the_same_page(buyer: Buyer, formosa: Organisation) -> None:
    first, second = start(formosa, key="form:a"), start(formosa, key="form:a")
    assert first.pk == second.pk
    assert first.checkout_url == second.checkout_url
    assert AuditEvent.objects.filter(verb="start_card_setup").count() == 1


def test_told_many_times_and_in_any_order_it_is_saved_once(
    buyer: Buyer, formosa: Organisation
) -> None:
    """Museum B4: the work is keyed by the set-up, not by the event."""
    setup = start(formosa)
    visit(setup.checkout_url, card())
    events = buyer.events("setup_intent.succeeded", "checkout.session.completed")
    assert {one.type for one in events} == {
        "setup_intent.succeeded",
        "checkout.session.completed",
    }
    for event in [*events, *reversed(events)]:
        type(event).objects.filter(pk=event.pk).update(worked_at=None)
        work_event(event.pk, at=timezone.now())
    finish_card_setup(setup.pk, at=timezone.now())
    assert len(kept(formosa)) == 1
    assert AuditEvent.objects.filter(verb="save_card").count() == 1


def test_the_same_card_saved_twice_is_one_row(
    buyer: Buyer, formosa: Organisation
) -> None:
    first = save_card(formosa, expiry="01/30")
    again = save_card(formosa, expiry="12/34")
    assert again.pk == first.pk
    assert kept(formosa) == [again]
    assert again.expiry_year == 2034
    # The copy that Stripe kept before is let go.
    assert at_stripe(again) == {again.stripe_payment_method_id}
    assert not CardSetup.objects.exclude(leftover="").exists()


def test_the_same_card_of_two_organisations_is_two_rows(
    buyer: Buyer, formosa: Organisation
) -> None:
    other = makers.make_organisation("Second Trading")
    makers.make_member(other, buyer.owner, Role.OWNER)
    save_card(formosa)
    save_card(other)
    assert len(kept(formosa)) == len(kept(other)) == 1


def test_the_breaker_belongs_to_the_card_and_survives_saving_it_again(
    buyer: Buyer, formosa: Organisation
) -> None:
    """Museum B20: only a person resumes it, not the same card once more."""
    method = save_card(formosa)
    paused = {"suspended_at": timezone.now(), "suspended_code": "generic_decline"}
    PaymentMethod.objects.filter(pk=method.pk).update(declines=4, **paused)
    again = save_card(formosa, becomes_default=True)
    assert (again.pk, again.declines) == (method.pk, 4)
    assert again.suspended_at is not None


def test_a_renewed_card_is_another_card(buyer: Buyer, formosa: Organisation) -> None:
    method = save_card(formosa, expiry="01/30")
    paused = {"suspended_at": timezone.now(), "suspended_code": "expired_card"}
    PaymentMethod.objects.filter(pk=method.pk).update(declines=1, **paused)
    again = save_card(formosa, expiry="01/34")
    assert (again.pk, again.declines, again.suspended_at) == (method.pk, 0, None)


def test_a_disputed_card_stays_paused_even_renewed(
    buyer: Buyer, formosa: Organisation
) -> None:
    method = save_card(formosa, expiry="01/30")
    paused = {"suspended_at": timezone.now(), "suspended_code": "disputed"}
    PaymentMethod.objects.filter(pk=method.pk).update(**paused)
    assert save_card(formosa, expiry="01/34").suspended_code == "disputed"


def test_a_card_that_cannot_be_saved_is_told_there_and_nothing_is_kept(
    buyer: Buyer, formosa: Organisation
) -> None:
    setup = start(formosa)
    page = visit(setup.checkout_url, card(NEVER_ATTACHES))
    assert page.status == 200
    assert finish_card_setup(setup.pk, at=timezone.now()).state == "started"
    assert kept(formosa) == []
    visit(setup.checkout_url, card(VISA))  # another one on the same page
    assert finish_card_setup(setup.pk, at=timezone.now()).state == "done"


def test_a_page_that_expired_is_abandoned(
    buyer: Buyer, formosa: Organisation, stripe_sandbox: StripeSandbox
) -> None:
    setup = start(formosa)
    stripe.checkout.Session.expire(setup.stripe_session_id)
    assert finish_card_setup(setup.pk, at=timezone.now()).state == "abandoned"
    assert kept(formosa) == []


def test_a_page_that_never_opened_is_abandoned_after_a_day(
    buyer: Buyer, formosa: Organisation, stripe_sandbox: StripeSandbox
) -> None:
    stripe_sandbox.fail("http_500", "/v1/checkout/sessions")
    with pytest.raises(PaymentsUnavailable):
        start(formosa, key="form:b")
    setup = CardSetup.objects.get()
    later = setup.started_at + PAGE_LASTS
    assert finish_card_setups(later - timedelta(minutes=1)) == 1
    setup.refresh_from_db()
    assert setup.state == "started"
    assert finish_card_setups(later) == 1
    setup.refresh_from_db()
    assert setup.state == "abandoned"


def test_the_page_opens_after_stripe_was_away(
    buyer: Buyer, formosa: Organisation, stripe_sandbox: StripeSandbox
) -> None:
    stripe_sandbox.fail("timeout_before", "/v1/checkout/sessions")
    with pytest.raises(PaymentsUnavailable):
        start(formosa, key="form:c")
    assert start(formosa, key="form:c").checkout_url
    assert CardSetup.objects.count() == 1


def test_the_sweep_finds_a_card_whose_event_was_lost(
    buyer: Buyer, formosa: Organisation
) -> None:
    setup = start(formosa)
    visit(setup.checkout_url, card())
    now = timezone.now()
    assert finish_card_setups(now) == 0  # the webhook usually is quicker
    assert finish_card_setups(now + timedelta(minutes=3)) == 1
    assert len(kept(formosa)) == 1
    assert finish_card_setups(now + timedelta(minutes=4)) == 0


def test_a_page_that_reloads_itself_asks_stripe_every_three_seconds_at_most(
    buyer: Buyer, formosa: Organisation
) -> None:
    setup, now = start(formosa), timezone.now()
    looked = look_again(setup, at=now)
    assert looked.looked_at == now
    again = look_again(looked, at=now + timedelta(seconds=1))
    assert again.looked_at == now


def test_a_leftover_that_stripe_did_not_let_go_is_let_go_later(
    buyer: Buyer, formosa: Organisation, stripe_sandbox: StripeSandbox
) -> None:
    first = save_card(formosa)
    setup = start(formosa)
    visit(setup.checkout_url, card())
    stripe_sandbox.fail(
        "timeout_before", f"/v1/payment_methods/{first.stripe_payment_method_id}/detach"
    )
    done = finish_card_setup(setup.pk, at=timezone.now())
    assert done.leftover == first.stripe_payment_method_id
    finish_card_setups(timezone.now() + timedelta(minutes=3))
    done.refresh_from_db()
    assert done.leftover == ""
    [method] = kept(formosa)
    assert at_stripe(method) == {method.stripe_payment_method_id}


def test_a_set_up_that_names_another_organisation_saves_nothing(
    buyer: Buyer, formosa: Organisation
) -> None:
    setup = start(formosa)
    visit(setup.checkout_url, card())
    session = stripe.checkout.Session.retrieve(setup.stripe_session_id)
    stripe.SetupIntent.modify(
        str(session.setup_intent), metadata={"organisation": "999999"}
    )
    assert finish_card_setup(setup.pk, at=timezone.now()).state == "started"
    assert kept(formosa) == []
    assert StaffTask.objects.get().kind == "card_not_attributed"
