"""What the database refuses about recharges, many at once (rules 1.8, 2.1 and 5.3)."""

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Organisation
from accounts.refusals import fence_code
from billing.models import (
    PaymentMethod,
    RechargeAttempt,
    RechargeCause,
    RechargeTry,
    TopUp,
)
from billing.recharging.write_claims import Claim, write_claims
from tests import makers
from tests.billing.recharging import make_card, make_consent

AT = makers.START


def a_claim(card: PaymentMethod, consent_id: int, owner: Organisation) -> Claim:
    hundred = 100_000_000
    return Claim(owner.pk, "USD", hundred, consent_id, card.pk, "cus_1")


@pytest.fixture
def good(formosa: Organisation) -> Claim:
    card = make_card(formosa, at=AT)
    return a_claim(card, make_consent(card, at=AT).pk, formosa)


def refusal_of(*claims: Claim) -> str:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        write_claims(claims, cause=RechargeCause.SWEEP, at=AT)
    assert not TopUp.objects.exists()
    assert not RechargeAttempt.objects.exists()
    return fence_code(refused.value)


def test_b5_one_claim_of_an_nce_organisation_refuses_the_batch(
    good: Claim, contoso: Organisation
) -> None:
    bad = a_claim(make_card(contoso, at=AT), good.consent_id, contoso)
    assert refusal_of(good, bad) == "credits_not_for_sale"
    assert refusal_of(bad) == "credits_not_for_sale"


def test_a_claim_names_its_organisations_consent_and_card(good: Claim) -> None:
    other = makers.make_organisation()
    card = make_card(other, at=AT)
    consent = make_consent(card, at=AT).pk
    for consent_id in (good.consent_id, 0):
        bad = a_claim(card, consent_id, other)
        assert refusal_of(good, bad) == "recharge_owns_top_up"
    for card_id in (good.card_id, 0):
        bad = a_claim(card, consent, other)._replace(card_id=card_id)
        assert refusal_of(good, bad) == "try_names_own_card"


def test_nobody_is_charged_after_closing(good: Claim) -> None:
    """Rule 1.8."""
    closed = makers.make_organisation()
    card = make_card(closed, at=AT)
    bad = a_claim(card, make_consent(card, at=AT).pk, closed)
    Organisation.objects.filter(pk=closed.pk).update(closed_at=AT)
    assert refusal_of(good, bad) == "organisation_closed"


def test_a_try_belongs_to_a_recharge_and_its_card_stays(good: Claim) -> None:
    [attempt_id] = write_claims([good], cause=RechargeCause.SWEEP, at=AT)
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        RechargeTry.objects.create(
            attempt_id=attempt_id + 1,
            number=1,
            payment_method_id=good.card_id,
            stripe_key="recharge:0:1",
            made_at=AT,
        )
    assert fence_code(refused.value) == "try_names_own_card"
    card = PaymentMethod.objects.filter(pk=good.card_id)
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        card._raw_delete("default")
    assert fence_code(refused.value) == "card_is_kept"
