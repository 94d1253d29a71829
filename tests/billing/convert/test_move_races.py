"""A move and whatever else happens at that moment: row locks decide (PostgreSQL)."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from accounts.models import AuditEvent, Organisation
from accounts.refusals import TollgateError
from billing.models import (
    AutoRecharge,
    RechargeAttempt,
    RechargeCause,
    StaffPayment,
    TopUp,
    TopUpState,
)
from billing.recharging.claim_recharges import claim_one
from billing.recharging.recharge import sweep_recharges
from billing.refusals import CreditsNotForSale, StillRunning
from billing.top_up import finish_top_up
from billing.transfers.match_transfer import match_transfer
from calling.models import Charge, Line, Source
from calling.subscribe import subscribe
from credits.models import Hold, Lot, Wallet
from credits.money import to_micros
from tests import makers
from tests.billing.buying import Buyer
from tests.billing.convert.moving import assert_proven, make_twins, move
from tests.billing.recharging import make_card, switch_on
from tests.billing.test_top_up_races import at_once
from tests.billing.transferring import announce
from tests.calling.authorise.asking import ask
from tests.calling.plans import take
from tests.calling.telephony import make_record, take_in

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
Job = Callable[[], object]


def moves(organisation: Organisation) -> Job:
    return partial(move, organisation, at=timezone.now())


def assert_moved_once(organisation: Organisation) -> None:
    organisation.refresh_from_db()
    assert not organisation.buys_credits
    assert organisation.mode_periods.count() == 2
    assert AuditEvent.objects.filter(verb="move_to_nce").count() == 1
    assert_proven()


def test_2_3_purchases_in_flight_are_refused_or_have_no_open_page(
    buyer: Buyer,
) -> None:
    buyer.start("50")  # the customer exists at Stripe from now on
    refused: list[Exception] = []

    def buy(key: str) -> None:
        try:
            buyer.start("100", key=key)
        except (CreditsNotForSale, StillRunning) as error:
            refused.append(error)

    jobs: list[Job] = [partial(buy, f"form:{n}") for n in range(4)]
    at_once([*jobs[:2], moves(buyer.organisation), *jobs[2:]])
    assert_moved_once(buyer.organisation)
    for top_up in TopUp.objects.exclude(stripe_session_id=""):
        buyer.pay(top_up)
        finish_top_up(top_up.pk, at=timezone.now())
    assert not Lot.objects.exists()
    assert not TopUp.objects.filter(state=TopUpState.PAID).exists()


@pytest.mark.usefixtures("card")
def test_2_3_calls_in_progress_keep_their_holds_and_settle_as_prepaid(
    formosa: Organisation, mei: Line, pbx: Source
) -> None:
    makers.make_lot(formosa, "5", at=timezone.now() - timedelta(days=1))
    now = timezone.now() - timedelta(seconds=30)
    answers = [ask(pbx, at=now, call_id=f"live-{n}") for n in range(3)]
    assert {answer.body["decision"] for answer in answers} == {"allow"}
    held = Wallet.objects.get(pk=formosa.pk)
    records = [
        make_record(f"r-{n}", call_id=f"live-{n}", at=now, seconds=20) for n in range(3)
    ]
    settle: list[Job] = [
        partial(take_in, pbx, record, at=timezone.now()) for record in records[:2]
    ]
    at_once([settle[0], moves(formosa), settle[1]])
    assert_moved_once(formosa)
    assert Hold.objects.still_open().count() == 1
    wallet = Wallet.objects.get(pk=formosa.pk)
    assert 0 < wallet.reserved < held.reserved
    take_in(pbx, records[2], at=timezone.now() + timedelta(hours=1))
    charges = Charge.objects.all()
    assert {charge.credit_amount for charge in charges} == {21_000}
    assert {charge.postpaid_amount for charge in charges} == {0}
    wallet.refresh_from_db()
    assert (wallet.reserved, wallet.live_calls) == (0, 0)
    assert_proven()


def test_2_3_moves_at_once_are_one_and_leave_no_prepaid_plan_running(
    formosa: Organisation, mei: Line
) -> None:
    prepaid, nce = make_twins()
    take(formosa, prepaid, mei)
    other = make_twins("conferencing")

    def subscribe_somehow() -> None:
        for plan in other:
            with suppress(TollgateError):  # whichever mode it is by now
                subscribe(formosa, plan, 1, at=timezone.now())

    at_once([moves(formosa), subscribe_somehow, moves(formosa), moves(formosa)])
    assert_moved_once(formosa)
    running = formosa.subscriptions.filter(ends_at=None)
    assert {one.plan for one in running} == {nce, other[1]}
    assert formosa.licences.count() == 2


def test_2_2_payments_that_arrive_during_the_move_are_credited_once(
    buyer: Buyer,
) -> None:
    """A webhook that comes several times, and a transfer that staff match."""
    top_up = buyer.start()
    buyer.pay(top_up)
    finish = partial(
        finish_top_up,
        top_up.pk,
        at=timezone.now(),
        payment_id=buyer.payment_of(top_up),
    )
    match = partial(
        match_transfer,
        announce(buyer.organisation, "250"),
        to_micros("250"),
        bank_reference="HSBC-1",
        recorded_by=makers.make_user(is_staff=True),
        note="Statement of 5 January, line 12",
        at=timezone.now(),
    )
    at_once([finish, match, moves(buyer.organisation), finish])
    top_up.refresh_from_db()
    assert top_up.is_paid
    assert StaffPayment.objects.get().billing_mode == "PREPAID"
    assert Lot.objects.count() == 2
    assert Wallet.objects.get(pk=buyer.organisation.pk).credit == to_micros("350")
    assert_moved_once(buyer.organisation)


def test_2_3_recharge_that_is_claimed_during_the_move_is_never_sent(
    formosa: Organisation,
) -> None:
    """Nor is auto-recharge on afterwards, however often it is switched on."""
    makers.make_terms("USD")
    now = timezone.now()
    card = make_card(formosa, at=now)

    def switch() -> None:
        with suppress(CreditsNotForSale):
            switch_on(formosa, card, at=now, only_when_used=False)

    switch()
    claim = partial(claim_one, formosa.pk, cause=RechargeCause.DEBIT, at=now)
    at_once([claim, moves(formosa), partial(sweep_recharges, now), switch])
    assert_moved_once(formosa)
    assert not AutoRecharge.objects.exists()
    states = set(RechargeAttempt.objects.values_list("state", flat=True))
    assert states <= {"cancelled"}
    assert Wallet.objects.filter(trigger=None, recharge_wanted=False).exists()
