"""Customers and their cards."""

from typing import Any

import pytest
import stripe

pytestmark = pytest.mark.usefixtures("stripe_sandbox")


def changes() -> list[tuple[str, dict[str, Any]]]:
    """Each event's type and what was there before, oldest first."""
    found: list[tuple[str, dict[str, Any]]] = []
    for event in reversed(stripe.Event.list(limit=100).data):
        data = event.data.to_dict()
        found.append((event.type, data.get("previous_attributes") or {}))
    return found


def test_a_customer_is_made_changed_and_deleted() -> None:
    made = stripe.Customer.create(
        email="alice@formosa.example",
        name="Formosa",
        address={"city": "Taipei", "country": "TW"},
        metadata={"organisation": "1", "plan": "x"},
    )
    changed = stripe.Customer.modify(
        made.id,
        name="Formosa Tea",
        phone="",
        address={"line1": "1 Road"},
        metadata={"plan": ""},
    )
    assert changed.address
    assert (changed.name, changed.address.city, changed.address.line1) == (
        "Formosa Tea",
        "Taipei",
        "1 Road",
    )
    assert changed.metadata
    assert changed.metadata.to_dict() == {"organisation": "1"}
    assert stripe.Customer.list(email="alice@formosa.example").data[0].id == made.id
    assert stripe.Customer.delete(made.id).deleted
    gone: Any = stripe.Customer.retrieve(made.id)
    assert gone.deleted
    assert stripe.Customer.list().data == []
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        stripe.Customer.modify(made.id, name="x")
    types = [name for name, _ in changes()]
    assert types == ["customer.created", "customer.updated", "customer.deleted"]
    assert changes()[1][1]["name"] == "Formosa"


def test_nothing_changed_is_no_event() -> None:
    made = stripe.Customer.create(name="Formosa")
    stripe.Customer.modify(made.id, name="Formosa")
    assert [name for name, _ in changes()] == ["customer.created"]


def test_cards_are_attached_made_default_and_detached() -> None:
    customer = stripe.Customer.create().id
    method = stripe.PaymentMethod.attach("pm_card_visa", customer=customer).id
    stripe.Customer.modify(
        customer, invoice_settings={"default_payment_method": method}
    )
    listed = stripe.PaymentMethod.list(customer=customer, type="card").data
    assert [one.id for one in listed] == [method]
    assert stripe.Customer.list_payment_methods(customer).data[0].id == method
    assert stripe.Customer.retrieve_payment_method(customer, method).id == method
    found: Any = stripe.Customer.retrieve(
        customer, expand=["invoice_settings.default_payment_method"]
    )
    assert found.invoice_settings.default_payment_method.card.last4 == "4242"
    assert stripe.PaymentMethod.detach(method).customer is None
    left: Any = stripe.Customer.retrieve(customer)
    assert left.invoice_settings.default_payment_method is None
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        stripe.PaymentMethod.attach(method, customer=customer)
    assert [name for name, _ in changes()] == [
        "customer.created",
        "payment_method.attached",
        "customer.updated",
        "customer.updated",
        "payment_method.detached",
    ]


def test_a_card_has_one_owner() -> None:
    method = stripe.PaymentMethod.attach(
        "pm_card_visa", customer=stripe.Customer.create().id
    ).id
    other = stripe.Customer.create().id
    with pytest.raises(stripe.InvalidRequestError, match="already been attached"):
        stripe.PaymentMethod.attach(method, customer=other)
    with pytest.raises(stripe.InvalidRequestError, match="must be attached"):
        stripe.Customer.modify(
            other, invoice_settings={"default_payment_method": method}
        )
    with pytest.raises(stripe.InvalidRequestError, match="No such"):
        stripe.Customer.retrieve_payment_method(other, method)


def test_a_customer_may_be_made_with_a_card() -> None:
    made: Any = stripe.Customer.create(
        payment_method="pm_card_visa",
        invoice_settings={"default_payment_method": "pm_card_visa"},
    )
    method = made.invoice_settings.default_payment_method
    assert stripe.PaymentMethod.retrieve(method).customer == made.id


def test_a_card_may_be_renewed_and_named() -> None:
    method = stripe.PaymentMethod.attach(
        "pm_card_visa", customer=stripe.Customer.create().id
    ).id
    changed: Any = stripe.PaymentMethod.modify(
        method,
        billing_details={"name": "Alice", "address": {"city": "Taipei"}},
        card={"exp_month": 5, "exp_year": 2035},
    )
    assert (changed.card.exp_month, changed.card.last4) == (5, "4242")
    assert changed.billing_details.name == "Alice"
    assert changed.billing_details.address.city == "Taipei"
