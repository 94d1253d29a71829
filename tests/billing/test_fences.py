"""What the database itself refuses about sales, on both engines."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts.models import BillingMode, Organisation, User
from accounts.refusals import fence_code
from billing.models import StaffPayment, TopUp, TopUpState
from credits.models import Lot
from credits.money import to_micros
from tests import makers


def refusal_of(sql: str, *values: str | int) -> str:
    """The code of the fence that stops a statement; '' if none does."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, values)
    except DatabaseError as error:
        return fence_code(error)
    return ""


def test_sale_keeps_its_organisation_and_mode(
    formosa: Organisation, alice: User
) -> None:
    other = makers.make_organisation()
    sales = [
        ("billing_topup", makers.make_top_up(formosa)),
        ("billing_staffpayment", makers.make_staff_payment(formosa, by=alice)),
    ]
    for table, sale in sales:
        moved = f"UPDATE {table} SET organisation_id = %s WHERE id = %s"
        assert refusal_of(moved, other.pk, sale.pk) == "sale_keeps_mode"
        changed = f"UPDATE {table} SET billing_mode = 'NCE' WHERE id = %s"
        assert refusal_of(changed, sale.pk) == "credits_not_for_sale"
        sale.refresh_from_db()
        assert (sale.organisation_id, sale.billing_mode) == (formosa.pk, "PREPAID")


def test_sale_keeps_its_amount(formosa: Organisation, alice: User) -> None:
    top_up = makers.make_top_up(formosa, "50")
    payment = makers.make_staff_payment(formosa, "50", by=alice)
    for sql, sale in [
        ("UPDATE billing_topup SET credit = 51, total = 51 WHERE id = %s", top_up),
        ("UPDATE billing_topup SET currency = 'EUR' WHERE id = %s", top_up),
        ("UPDATE billing_staffpayment SET amount = 51 WHERE id = %s", payment),
    ]:
        assert refusal_of(sql, sale.pk) == "sale_keeps_amount"


@pytest.mark.parametrize("state", ["started", "processing", "failed", "abandoned"])
def test_b41_nothing_leaves_paid(formosa: Organisation, state: str) -> None:
    top_up = makers.make_top_up(formosa)
    sql = "UPDATE billing_topup SET state = %s WHERE id = %s"
    assert refusal_of(sql, state, top_up.pk) == "top_up_stays_paid"
    top_up.refresh_from_db()
    assert top_up.is_paid


@pytest.mark.parametrize("state", [s for s in TopUpState if s != TopUpState.PAID])
def test_b41_any_unpaid_state_may_still_become_paid(
    formosa: Organisation, state: TopUpState
) -> None:
    top_up = makers.make_top_up(formosa, state=state)
    top_up.state = TopUpState.PAID
    top_up.paid_at = makers.START
    top_up.stripe_payment_intent_id = "pi_late"
    top_up.receipt_number = "R-2026-0001"
    top_up.received = top_up.total
    top_up.save()
    assert TopUp.objects.paid().get() == top_up


def test_a_sale_is_never_deleted(formosa: Organisation, alice: User) -> None:
    makers.make_top_up(formosa)
    makers.make_staff_payment(formosa, by=alice)
    for model in (TopUp, StaffPayment):
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            model._default_manager.all().delete()
        assert fence_code(refused.value) == "sale_is_kept"
        assert model._default_manager.count() == 1


def test_sale_is_in_the_currency_of_its_organisation(formosa: Organisation) -> None:
    top_up = makers.make_top_up(formosa, state=TopUpState.STARTED)
    top_up.pk = None
    top_up._state.adding = True
    top_up.client_key, top_up.currency = "other", "EUR"
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        top_up.save()
    assert fence_code(refused.value) == "sale_in_own_currency"


def a_lot(organisation: Organisation, sale_id: int | None, **fields: object) -> Lot:
    values: dict[str, object] = {
        "organisation": organisation,
        "kind": "purchase",
        "currency": "USD",
        "original": to_micros("50"),
        "issued_at": makers.START,
        "expires_at": makers.START.replace(year=2027),
        "exhausted_at": makers.START,
        "reference": f"test:{sale_id}",
        "sale_id": sale_id,
    }
    return Lot(**values | fields)


def refusal_of_lot(lot: Lot) -> str:
    try:
        with transaction.atomic():
            lot.save()
    except DatabaseError as error:
        return fence_code(error)
    return ""


def test_lot_of_a_sold_kind_names_a_paid_sale_of_that_amount(
    formosa: Organisation, alice: User
) -> None:
    sale = makers.make_top_up(formosa, "50")
    unpaid = makers.make_top_up(formosa, "50", state=TopUpState.STARTED)
    payment = makers.make_staff_payment(formosa, "50.25", by=alice)
    other = makers.make_organisation()
    missing = payment.pk + sale.pk + 1000
    wrong = [
        a_lot(formosa, missing),
        a_lot(formosa, missing, kind="recharge"),
        a_lot(formosa, missing, kind="staff_payment"),
        a_lot(formosa, unpaid.pk),
        a_lot(other, sale.pk),
        a_lot(formosa, sale.pk, original=to_micros("50.001")),
        a_lot(formosa, payment.pk, kind="staff_payment"),
    ]
    assert [refusal_of_lot(lot) for lot in wrong] == ["lot_names_sale"] * len(wrong)
    assert not Lot.objects.exists()
    exact = to_micros("50.25")
    assert refusal_of_lot(a_lot(formosa, sale.pk)) == ""
    paid = a_lot(formosa, payment.pk, kind="staff_payment", original=exact)
    paid.reference = "staff-payment"
    assert refusal_of_lot(paid) == ""


def test_lot_keeps_its_kind_and_sale(formosa: Organisation) -> None:
    sale = makers.make_top_up(formosa, "50")
    lot = a_lot(formosa, sale.pk)
    lot.save()
    gift = a_lot(formosa, None, kind="promotional")
    gift.save()
    for sql, moved in [
        ("UPDATE credits_lot SET kind = 'restored', sale_id = NULL WHERE id = %s", lot),
        ("UPDATE credits_lot SET sale_id = 0 WHERE id = %s", lot),
        ("UPDATE credits_lot SET kind = 'purchase', sale_id = 1 WHERE id = %s", gift),
    ]:
        assert refusal_of(sql, moved.pk) == "lot_terms_fixed"


def test_nce_sale_is_refused_by_its_own_row_alone(contoso: Organisation) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        makers.make_top_up(contoso)
    assert fence_code(refused.value) == "credits_not_for_sale"
    assert contoso.mode is BillingMode.NCE
    assert not TopUp.objects.exists()
