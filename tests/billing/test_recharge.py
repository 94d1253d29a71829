"""A wallet below its trigger is charged: once, and whatever the card says (rule 5)."""

import stripe
from django.utils import timezone

from accounts.models import NoticeKind
from billing.models import (
    AttemptState,
    PaymentMethod,
    RechargeAttempt,
    RechargeCause,
    RechargeTry,
    TopUp,
)
from billing.recharging.card_breaker import resume_payment_method
from billing.recharging.recharge import sweep_recharges
from credits.models import Lot
from tests import makers
from tests.billing.recharging import (
    DECLINES,
    HOUR,
    LOST,
    MINUTE,
    NO_MONEY,
    VISA,
    Recharger,
    usd,
)

# --- paid -----------------------------------------------------------------------------


def test_wallet_below_its_trigger_is_charged_and_filled(recharger: Recharger) -> None:
    row = recharger.switch_on()
    attempt = recharger.charge()
    assert attempt.state == AttemptState.PAID
    top_up = attempt.top_up
    assert (top_up.kind, top_up.state, top_up.total_micros) == (
        "recharge",
        "paid",
        usd("100"),
    )
    lot = Lot.objects.get()
    assert (lot.kind, lot.sale_id, lot.original) == ("recharge", top_up.pk, usd("100"))
    [charge] = recharger.charges()
    assert (charge.amount, charge.currency, charge.paid) == (10_000, "usd", True)
    one = attempt.tries.get()
    assert (one.number, one.stripe_key) == (1, f"recharge:{attempt.pk}:1")
    assert one.stripe_payment_intent_id == charge.payment_intent
    assert (attempt.consent, attempt.cause) == (row.consent, RechargeCause.DEBIT)
    assert (recharger.wallet.credit, recharger.wallet.incoming) == (usd("100"), 0)
    assert recharger.mails() == [NoticeKind.RECEIPT]
    assert recharger.status.state == "armed"
    recharger.prove()


def test_balance_at_the_trigger_is_not_below_it(recharger: Recharger) -> None:
    """Rule 5.2: strictly."""
    makers.make_lot(recharger.organisation, "20")
    recharger.switch_on()
    assert recharger.recharge() is None
    recharger.spend("0.000001")
    assert recharger.charge().state == AttemptState.PAID
    recharger.prove()


def test_b24_what_is_incoming_counts(recharger: Recharger) -> None:
    recharger.switch_on()
    recharger.sandbox.fail("processing")
    attempt = recharger.charge()
    assert (attempt.state, attempt.top_up.state) == (AttemptState.SENT, "processing")
    assert recharger.wallet.incoming == usd("100")
    assert not recharger.wallet.recharge_wanted
    recharger.later(10 * MINUTE)
    assert recharger.recharge() is None
    [one] = RechargeTry.objects.all()
    assert one.outcome == "processing"
    assert recharger.status.state == "charging"
    recharger.sandbox.finish_processing(one.stripe_payment_intent_id, "succeeded")
    recharger.later(HOUR)
    assert recharger.go_on() == 1
    assert recharger.wallet.credit == usd("100")
    recharger.prove()


def test_processing_payment_that_fails_is_a_decline(recharger: Recharger) -> None:
    recharger.switch_on()
    recharger.sandbox.fail("processing")
    one = recharger.charge().tries.get()
    recharger.sandbox.finish_processing(one.stripe_payment_intent_id, "failed")
    recharger.later(HOUR)
    recharger.go_on()
    assert recharger.status.state == "cooling"
    assert recharger.wallet.incoming == 0
    recharger.prove()


def test_recharge_adds_exactly_the_amount_however_much_is_owed(
    recharger: Recharger,
) -> None:
    """Rule 5.3: an amount, not a level; new funds pay debt first (rule 3.6)."""
    recharger.spend("130")
    recharger.switch_on()
    recharger.charge()
    assert (recharger.wallet.credit, recharger.wallet.debt) == (0, usd("30"))
    recharger.later(2 * MINUTE)
    recharger.charge()
    assert (recharger.wallet.credit, recharger.wallet.debt) == (usd("70"), 0)
    recharger.prove()


def test_b23_catch_up_charges_the_smallest_multiple_that_clears_the_trigger(
    recharger: Recharger,
) -> None:
    recharger.spend("180")
    recharger.switch_on(catches_up=True)
    attempt = recharger.charge()
    # −180 + 2 × 100 is exactly the trigger, which is enough.
    assert attempt.top_up.credit_micros == usd("200")
    assert len(recharger.charges()) == 1
    recharger.prove()


def test_catch_up_stays_within_the_monthly_limit(recharger: Recharger) -> None:
    recharger.spend("900")
    recharger.switch_on(catches_up=True, monthly_limit=usd("350"))
    assert recharger.charge().top_up.credit_micros == usd("300")
    recharger.prove()


# --- declined -------------------------------------------------------------------------


def test_b21_soft_decline_really_is_charged_again_by_its_next_try(
    recharger: Recharger,
) -> None:
    recharger.switch_on(NO_MONEY)
    attempt = recharger.charge()
    assert (attempt.state, attempt.next_try_at) == (
        AttemptState.COOLING,
        recharger.now + HOUR,
    )
    status = recharger.status
    assert (status.state, status.code, status.next_at, status.declines) == (
        "cooling",
        "insufficient_funds",
        recharger.now + HOUR,
        1,
    )
    assert recharger.mails() == [NoticeKind.RECHARGE_DECLINED]
    recharger.later(HOUR - MINUTE)
    assert recharger.go_on() == 0
    method = PaymentMethod.objects.get()
    recharger.sandbox.change_card(method.stripe_payment_method_id, VISA)
    recharger.later(MINUTE)
    assert recharger.go_on() == 1
    attempt.refresh_from_db()
    assert attempt.state == AttemptState.PAID
    keys = list(attempt.tries.values_list("stripe_key", "outcome"))
    assert keys == [
        (f"recharge:{attempt.pk}:1", "declined"),
        (f"recharge:{attempt.pk}:2", "paid"),
    ]
    assert [charge.paid for charge in recharger.charges()] == [True, False]
    method.refresh_from_db()
    assert (method.declines, method.suspended_at) == (0, None)
    assert recharger.mails()[1:] == [NoticeKind.RECEIPT, NoticeKind.RECHARGE_RECOVERED]
    recharger.prove()


def test_b29_first_decline_pause_and_recovery_are_mailed(recharger: Recharger) -> None:
    """Rule 11: at once, once each, to whoever pays the bills."""
    recharger.switch_on(DECLINES)
    recharger.charge()
    assert recharger.mails() == [NoticeKind.RECHARGE_DECLINED]
    recharger.minute_by_minute(8 * HOUR)
    told = [NoticeKind.RECHARGE_DECLINED, NoticeKind.RECHARGE_PAUSED]
    assert recharger.mails() == told
    method = PaymentMethod.objects.get()
    recharger.sandbox.change_card(method.stripe_payment_method_id, VISA)
    resume_payment_method(method, actor=None, at=recharger.now)
    recharger.later(HOUR)
    # Resumed by a person, it was not amiss any more: that person knows.
    assert recharger.charge().state == AttemptState.PAID
    assert recharger.mails() == [*told, NoticeKind.RECEIPT]
    recharger.spend("95")
    recharger.sandbox.change_card(method.stripe_payment_method_id, DECLINES)
    recharger.later(HOUR)
    recharger.charge()
    recharger.sandbox.change_card(method.stripe_payment_method_id, VISA)
    recharger.minute_by_minute(2 * HOUR)
    assert recharger.mails()[3:] == [
        NoticeKind.RECHARGE_DECLINED,
        NoticeKind.RECEIPT,
        NoticeKind.RECHARGE_RECOVERED,
    ]
    recharger.prove()


def test_b19_day_of_a_declining_card_is_at_most_four_charges(
    recharger: Recharger,
) -> None:
    """First failure mailed at once, paused after the fourth, resumed by a new card."""
    recharger.switch_on(DECLINES)
    start = recharger.now
    recharger.charge()
    assert recharger.mails() == [NoticeKind.RECHARGE_DECLINED]
    recharger.minute_by_minute(24 * HOUR, 10 * MINUTE)
    assert len(recharger.charges()) == 4
    sent = RechargeTry.objects.order_by("number").values_list("made_at", flat=True)
    hours = [(moment - start) / HOUR for moment in sent]
    assert hours == [0, 1, 3, 7]
    assert recharger.mails() == [
        NoticeKind.RECHARGE_DECLINED,
        NoticeKind.RECHARGE_PAUSED,
    ]
    assert (recharger.status.state, recharger.status.declines) == ("suspended", 4)
    assert RechargeAttempt.objects.get().state == AttemptState.FAILED
    assert set(recharger.reasons()) == {"card_paused"}
    # B20: time alone never resets it.
    recharger.minute_by_minute(72 * HOUR, 6 * HOUR)
    assert len(recharger.charges()) == 4
    recharger.switch_on(VISA)
    assert sweep_recharges(recharger.now) == 1
    assert recharger.go_on() == 1
    assert recharger.status.state == "armed"
    assert recharger.wallet.credit == usd("100")
    old = PaymentMethod.objects.get(last_four="0341")
    assert old.suspended_at is not None
    recharger.prove()


def test_hard_decline_pauses_at_once(recharger: Recharger) -> None:
    recharger.switch_on(LOST)
    attempt = recharger.charge()
    assert (attempt.state, attempt.top_up.state) == (AttemptState.FAILED, "failed")
    status = recharger.status
    assert (status.state, status.code) == ("suspended", "lost_card")
    assert recharger.mails() == [NoticeKind.RECHARGE_PAUSED]
    recharger.minute_by_minute(24 * HOUR)
    assert len(recharger.charges()) == 1
    recharger.prove()


def test_hard_decline_goes_to_the_backup_once(recharger: Recharger) -> None:
    recharger.switch_on(LOST, backup=recharger.card(VISA))
    attempt = recharger.charge()
    assert (attempt.state, attempt.used_backup) == (AttemptState.PAID, True)
    cards = attempt.tries.values_list("payment_method__last_four", "outcome")
    assert list(cards) == [("9987", "declined"), ("4242", "paid")]
    assert recharger.wallet.credit == usd("100")
    recharger.spend("95")
    recharger.later(10 * MINUTE)
    # 5.5: nobody has to act: the next one is begun on the backup.
    status = recharger.status
    assert (status.state, str(status.card)) == ("armed", "Visa 4242")
    following = recharger.charge()
    assert (following.state, following.used_backup) == (AttemptState.PAID, False)
    assert [str(one.payment_method) for one in following.tries.all()] == ["Visa 4242"]
    assert [one.paid for one in recharger.charges()].count(False) == 1
    assert recharger.mails().count(NoticeKind.RECHARGE_PAUSED) == 1
    assert NoticeKind.RECHARGE_RECOVERED not in recharger.mails()
    recharger.prove()


def test_5_5_backup_that_is_refused_for_good_too_waits_for_a_person(
    recharger: Recharger,
) -> None:
    backup = recharger.card(VISA)
    recharger.switch_on(LOST, backup=backup)
    recharger.charge()
    recharger.spend("95")
    stripe.PaymentMethod.detach(backup.stripe_payment_method_id)
    recharger.later(10 * MINUTE)
    assert recharger.charge().state == AttemptState.FAILED
    recharger.minute_by_minute(24 * HOUR)
    assert recharger.status.state == "suspended"
    assert recharger.reasons() == {"card_paused": 24}
    assert recharger.mails().count(NoticeKind.RECHARGE_PAUSED) == 2
    recharger.prove()


def test_5_5_dispute_pauses_the_backup_as_well(recharger: Recharger) -> None:
    row = recharger.switch_on(VISA, backup=recharger.card(VISA))
    PaymentMethod.objects.filter(pk=row.payment_method_id).update(
        suspended_at=recharger.now, suspended_code="disputed"
    )
    assert recharger.recharge() is None
    assert recharger.reasons() == {"card_paused": 1}


def test_backup_that_is_declined_too_is_tried_like_any_card(
    recharger: Recharger,
) -> None:
    recharger.switch_on(LOST, backup=recharger.card(NO_MONEY))
    attempt = recharger.charge()
    assert (attempt.state, attempt.used_backup) == (AttemptState.COOLING, True)
    recharger.minute_by_minute(24 * HOUR)
    assert len(recharger.charges()) == 5  # one and four
    attempt.refresh_from_db()
    assert attempt.state == AttemptState.FAILED
    recharger.prove()


def test_card_that_stripe_no_longer_has_is_a_hard_decline(
    recharger: Recharger,
) -> None:
    row = recharger.switch_on()
    stripe.PaymentMethod.detach(row.payment_method.stripe_payment_method_id)
    attempt = recharger.charge()
    assert attempt.state == AttemptState.FAILED
    assert recharger.status.code == "card_gone"
    assert recharger.charges() == []
    recharger.prove()


def test_paid_top_up_resumes_a_paused_card(recharger: Recharger, buyer: object) -> None:
    from tests.billing.buying import Buyer

    assert isinstance(buyer, Buyer)
    recharger.switch_on(LOST)
    recharger.charge()
    top_up = buyer.start("50")
    buyer.pay(top_up)
    buyer.come_back(top_up)
    method = PaymentMethod.objects.get()
    assert (method.declines, method.suspended_at) == (0, None)
    assert recharger.mails()[-1] == NoticeKind.RECHARGE_RECOVERED
    assert TopUp.objects.filter(state="paid").count() == 1
    assert recharger.status.state == "armed"
    recharger.now = timezone.now()
    recharger.prove()
