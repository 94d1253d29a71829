"""Sweepers, nudges and outcomes at the same moment: row locks decide (PostgreSQL)."""

from collections import Counter
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Organisation, User
from billing.models import (
    AutoRecharge,
    Consent,
    PaymentMethod,
    RechargeAttempt,
    RechargeCause,
    RechargeTry,
    TopUp,
)
from billing.prove import prove
from billing.recharging.claim_recharges import claim_due, claim_one
from billing.recharging.recharge import go_on_with_recharge, sweep_recharges
from credits.models import Wallet
from tests import makers
from tests.billing.recharging import Recharger, make_card, switch_on, usd
from tests.billing.test_top_up_races import at_once

NOW = timezone.now()
DUE = 1000


@pytest.fixture
def a_thousand_due(transactional_db: None) -> None:
    """Wallets below their trigger, made from one by copying its rows."""
    makers.make_terms("USD")
    user = makers.make_user()
    organisations = Organisation.objects.bulk_create(
        Organisation(
            name=f"Organisation {number}",
            slug=f"due-{number}",
            account_code=f"DUE-{number}",
            country="TW",
            currency="USD",
            time_zone="Asia/Taipei",
            billing_email="billing@due.example",
            terms_version="1",
            opened_at=NOW,
        )
        for number in range(DUE)
    )
    make_due(organisations, user)


def make_due(organisations: list[Organisation], user: User) -> None:
    Wallet.objects.bulk_create(
        Wallet(
            organisation=one, currency="USD", trigger=usd("20"), recharge_wanted=True
        )
        for one in organisations
    )
    cards = PaymentMethod.objects.bulk_create(
        PaymentMethod(
            organisation=one,
            stripe_payment_method_id=f"pm_{one.pk}",
            stripe_customer_id=f"cus_{one.pk}",
            brand="visa",
            last_four="4242",
            expiry_year=2040,
            expiry_month=12,
            added_at=NOW,
        )
        for one in organisations
    )
    given = {"trigger": 20, "amount": 100, "monthly_limit": 1000, "currency": "USD"}
    consents = Consent.objects.bulk_create(
        Consent(
            organisation=card.organisation,
            user=user,
            given_at=NOW,
            text_version="1",
            text="I agree.",
            payment_method=card,
            **given,
        )
        for card in cards
    )
    AutoRecharge.objects.bulk_create(
        AutoRecharge(
            organisation=said.organisation,
            billing_mode="PREPAID",
            payment_method=said.payment_method,
            consent=said,
            switched_on_at=NOW,
            changed_at=NOW,
            **given,
        )
        for said in consents
    )


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("a_thousand_due")
@pytest.mark.parametrize("limit", [100, 1000])
def test_b5_four_sweepers_claim_a_thousand_wallets_once_each(limit: int) -> None:
    claimed: list[int] = []

    def sweep() -> None:
        claimed.append(sweep_recharges(NOW, limit=limit))

    at_once([sweep] * 4)
    assert sum(claimed) == DUE
    claims = Counter(RechargeAttempt.objects.values_list("organisation", flat=True))
    assert len(claims) == DUE
    assert set(claims.values()) == {1}
    assert TopUp.objects.count() == RechargeTry.objects.count() == DUE
    assert prove(at=NOW).breaches == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("a_thousand_due")
def test_claims_take_the_same_number_of_statements_whatever_their_number() -> None:
    """A run of equal long INSERTs counts as one on SQLite, as in PERFORMANCE row 11."""

    def statements(limit: int, after: int) -> int:
        kinds: list[str] = []

        def count(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
            kind = " ".join(sql.split()[:3])
            if not kinds or kinds[-1] != kind or not kind.startswith("INSERT"):
                kinds.append(kind)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(count):
            swept = claim_due(NOW, limit=limit, after=after)
        assert len(swept.claimed) == limit
        return len(kinds)

    first = claim_due(NOW, limit=1).last  # SQLite notes the tables' first ids
    assert statements(1, first) == statements(500, first + 1) <= 20


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_b22_limits_hold_when_every_cause_comes_at_once(formosa: Organisation) -> None:
    makers.make_terms("USD")
    switch_on(formosa, make_card(formosa, at=NOW), at=NOW, only_when_used=False)
    claim = partial(claim_one, formosa.pk, at=NOW)
    at_once([partial(claim, cause=cause) for cause in RechargeCause])
    assert RechargeAttempt.objects.count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_workers_send_one_charge(recharger: Recharger) -> None:
    recharger.switch_on()
    sweep_recharges(recharger.now)
    attempt = RechargeAttempt.objects.get()
    at_once([partial(go_on_with_recharge, attempt.pk, at=recharger.now)] * 4)
    assert len(recharger.charges()) == 1
    assert recharger.wallet.credit == usd("100")
    recharger.prove()
