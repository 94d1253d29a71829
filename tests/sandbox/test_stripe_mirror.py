"""dj-stripe reads every kind of object that we pay, refund and dispute with."""

from typing import Any

import pytest
import stripe
from django.conf import settings
from djstripe import models

from tests.sandbox.paying import charge_of, customer, off_session
from tests.stripe_sandbox import StripeSandbox

pytestmark = pytest.mark.django_db


def mirrored(model: Any, seen: Any) -> Any:
    key = settings.STRIPE_TEST_SECRET_KEY
    return model.sync_from_stripe_data(seen, api_key=key)


def test_what_we_pay_refund_and_dispute_with_is_mirrored(
    stripe_sandbox: StripeSandbox,
) -> None:
    owner = customer()
    method = stripe_sandbox.save_card(owner, is_default=True)
    intent = off_session(owner, method).id
    refund = stripe.Refund.create(payment_intent=intent, amount=500)
    dispute = stripe_sandbox.open_dispute(intent, amount=700)
    stripe_sandbox.close_dispute(dispute)
    (setup,) = stripe.SetupIntent.list().data
    assert mirrored(models.Customer, stripe.Customer.retrieve(owner)).id == owner
    kept = mirrored(models.PaymentMethod, stripe.PaymentMethod.retrieve(method))
    assert (kept.id, kept.customer_id) == (method, owner)
    assert mirrored(models.SetupIntent, setup).payment_method_id == method
    charge = mirrored(models.Charge, charge_of(intent))
    assert (charge.payment_intent_id, charge.stripe_data["amount_refunded"]) == (
        intent,
        500,
    )
    returned = mirrored(models.Refund, stripe.Refund.retrieve(refund.id))
    assert (returned.charge_id, returned.stripe_data["amount"]) == (charge.id, 500)
    disputed = mirrored(models.Dispute, stripe.Dispute.retrieve(dispute))
    assert (disputed.charge_id, disputed.status) == (charge.id, "won")
    entries = models.BalanceTransaction.objects.all()
    nets = sorted(entry.stripe_data["net"] for entry in entries)
    assert nets == [-2200, -500, 700, 1912]
