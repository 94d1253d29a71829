"""Every cause looks at the level: debit, save, expiry, card, the sweep (rule 5.2)."""

from datetime import timedelta

import pytest
from django.db import connection
from django_q.models import OrmQ

from accounts.models import Organisation, Role
from billing.jobs import charge_recharges, nudge_recharge
from billing.models import (
    AttemptState,
    PaymentMethod,
    RechargeAttempt,
    TopUp,
)
from billing.recharging.card_breaker import resume_payment_method
from billing.recharging.claim_recharges import due_wallets
from billing.recharging.recharge import sweep_recharges
from billing.refusals import CardDisputed
from credits.expire import expire_due_lots
from credits.models import Wallet
from tests import makers
from tests.billing.recharging import (
    DAY,
    DECLINES,
    LOST,
    MINUTE,
    NO_MONEY,
    VISA,
    Recharger,
    make_card,
    owner_of,
    switch_on,
    usd,
)


def nudges() -> list[tuple[object, ...]]:
    """What is enqueued by name, oldest first."""
    found = [one.task for one in OrmQ.objects.order_by("id")]
    return [
        task["args"] for task in found if task["func"] == "billing.jobs.nudge_recharge"
    ]


def test_b28_debit_that_crosses_the_trigger_nudges_once(recharger: Recharger) -> None:
    makers.make_lot(recharger.organisation, "50")
    recharger.switch_on()
    recharger.spend("29")
    assert nudges() == []
    recharger.spend("2")
    recharger.spend("1")
    assert nudges() == [("debit", recharger.organisation.pk)]
    nudge_recharge("debit", recharger.organisation.pk)
    assert recharger.wallet.credit == usd("118")
    recharger.prove()


def test_b28_saving_below_the_trigger_nudges(recharger: Recharger) -> None:
    recharger.switch_on()
    assert nudges() == [("save", recharger.organisation.pk)]


def test_b28_expiry_nudges(recharger: Recharger) -> None:
    makers.make_lot(recharger.organisation, "50", expires_at=recharger.now - MINUTE)
    Wallet.objects.update(trigger=None)
    recharger.switch_on()
    assert nudges() == []
    expire_due_lots(recharger.now)
    assert nudges() == [("expiry", recharger.organisation.pk)]
    assert recharger.charge().state == AttemptState.PAID


def test_b28_sweep_finds_what_no_nudge_told_of(recharger: Recharger) -> None:
    recharger.switch_on()
    OrmQ.objects.all().delete()
    charge_recharges()
    assert RechargeAttempt.objects.get().state == AttemptState.PAID
    assert TopUp.objects.get().is_paid


def test_several_wallets_of_a_batch_make_one_nudge(db: None) -> None:
    from django.db import transaction

    from credits.lock import lock_wallets
    from credits.refresh import refresh_wallets

    organisations = [makers.make_organisation() for _ in range(3)]
    with transaction.atomic():
        wallets = lock_wallets(one.pk for one in organisations)
        for wallet in wallets.values():
            wallet.trigger = 1
        refresh_wallets(wallets.values())
    assert nudges() == [("debit", 0)]


def test_b28_another_card_charges_at_once(recharger: Recharger) -> None:
    recharger.switch_on(LOST)
    recharger.charge()
    OrmQ.objects.all().delete()
    recharger.later(2 * MINUTE)
    recharger.switch_on(VISA)
    assert nudges() == [("card", recharger.organisation.pk)]
    nudge_recharge("card", recharger.organisation.pk)


def test_card_that_is_resumed_is_charged_again(recharger: Recharger) -> None:
    recharger.switch_on(LOST)
    recharger.charge()
    method = PaymentMethod.objects.get()
    recharger.sandbox.change_card(method.stripe_payment_method_id, VISA)
    OrmQ.objects.all().delete()
    recharger.later(2 * MINUTE)
    actor = owner_of(recharger.organisation)
    resumed = resume_payment_method(method, actor=actor, at=recharger.now)
    assert (resumed.declines, resumed.suspended_at) == (0, None)
    assert nudges() == [("card", recharger.organisation.pk)]
    assert recharger.charge().state == AttemptState.PAID
    recharger.prove()


def test_resuming_tries_at_once_what_waits(recharger: Recharger) -> None:
    recharger.switch_on(NO_MONEY)
    recharger.charge()
    method = PaymentMethod.objects.get()
    recharger.sandbox.change_card(method.stripe_payment_method_id, VISA)
    recharger.later(2 * MINUTE)
    resume_payment_method(
        method, actor=owner_of(recharger.organisation), at=recharger.now
    )
    assert recharger.go_on() == 1
    assert recharger.wallet.credit == usd("100")
    recharger.prove()


def test_disputed_card_is_resumed_by_staff_alone(
    recharger: Recharger,
) -> None:
    staff = makers.make_user("staff@provider.example", is_staff=True)
    recharger.switch_on()
    PaymentMethod.objects.update(suspended_at=recharger.now, suspended_code="disputed")
    method = PaymentMethod.objects.get()
    assert recharger.status.code == "disputed"
    with pytest.raises(CardDisputed):
        resume_payment_method(
            method, actor=owner_of(recharger.organisation), at=recharger.now
        )
    resume_payment_method(method, actor=staff, at=recharger.now, reason="It was won")
    assert recharger.status.state == "armed"


def test_b5_one_open_recharge_for_a_wallet(recharger: Recharger) -> None:
    recharger.switch_on(DECLINES)
    recharger.charge()
    recharger.later(10 * MINUTE)
    for cause in ("debit", "save", "expiry", "card", "sweep"):
        nudge_recharge(cause, recharger.organisation.pk)
    assert sweep_recharges(recharger.now + DAY) == 0
    assert RechargeAttempt.objects.count() == 1


# --- the index ------------------------------------------------------------------------


def plan_of_the_sweep() -> str:
    query, given = due_wallets()[:1000].query.sql_with_params()
    explain = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
    with connection.cursor() as cursor:
        cursor.execute(explain + query, given)
        return "\n".join(str(row) for row in cursor.fetchall())


def test_sweep_reads_the_index_of_wallets_that_want_a_recharge(db: None) -> None:
    """PERFORMANCE row 15: the plan, not a stopwatch."""
    start = makers.START
    organisations = Organisation.objects.bulk_create(
        Organisation(
            name=f"Organisation {number}",
            slug=f"many-{number}",
            account_code=f"MANY-{number}",
            country="TW",
            currency="USD",
            time_zone="Asia/Taipei",
            billing_email="billing@many.example",
            terms_version="1",
            opened_at=start,
        )
        for number in range(3000)
    )
    Wallet.objects.bulk_create(
        Wallet(organisation=organisation, currency="USD")
        for organisation in organisations
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    plan = plan_of_the_sweep()
    assert "wallets_that_want_a_recharge" in plan
    assert "SCAN credits_wallet\n" not in plan
    assert "Seq Scan on credits_wallet" not in plan


def test_sweep_goes_on_past_wallets_that_are_skipped(db: None) -> None:
    """A thousand that wait for a person must not block those behind them."""
    makers.make_terms("USD")
    now = makers.START + timedelta(days=1)
    made = []
    for number in range(4):
        organisation = makers.make_organisation()
        owner = makers.make_user()
        makers.make_member(organisation, owner, Role.OWNER)
        switch_on(organisation, make_card(organisation, at=now), at=now)
        if number < 3:
            PaymentMethod.objects.filter(organisation=organisation).update(
                suspended_at=now, suspended_code="lost_card"
            )
        made.append(organisation)
    assert sweep_recharges(now, limit=1) == 1
    assert RechargeAttempt.objects.get().organisation == made[-1]
