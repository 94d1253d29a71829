"""How much may be bought, and by whom, is judged when the sale starts (rule 4.1)."""

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from djmoney.money import Money

from accounts.models import (
    AuditEvent,
    Organisation,
)
from billing.models import TopUp, TopUpTerms
from billing.numbers import take_receipt_number
from billing.refusals import (
    CreditsNotForSale,
    codes_of,
)
from tests import makers
from tests.billing.buying import Buyer, assert_paid_once

# --- limits and the rule of sale --------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("49.99", "below_minimum"),
        ("0", "below_minimum"),
        ("-100", "below_minimum"),
        ("10000.01", "above_maximum"),
        ("100.001", "finer_than_step"),
        ("100.000001", "finer_than_step"),
    ],
)
def test_amount_outside_the_terms_is_refused(
    buyer: Buyer, amount: str, code: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        buyer.start(amount)
    assert codes_of(refused.value) == {code}
    assert not TopUp.objects.exists()
    assert not AuditEvent.objects.exists()


def test_largest_balance_counts_what_is_incoming(buyer: Buyer) -> None:
    TopUpTerms.objects.update(maximum=Money(150, "USD"))
    TopUpTerms.objects.update(maximum_balance=Money(250, "USD"))
    first = buyer.start("100")
    buyer.pay(first)
    buyer.come_back(first)
    buyer.sandbox.fail("processing", "/c/pay/")
    second = buyer.start("100")
    buyer.pay(second)
    buyer.come_back(second)
    with pytest.raises(ValidationError) as refused:
        buyer.start("50.01")
    assert codes_of(refused.value) == {"above_maximum_balance"}
    assert buyer.start("50").state == "started"


def test_limit_is_judged_at_the_start_never_at_delivery(buyer: Buyer) -> None:
    top_up = buyer.start("100")
    buyer.pay(top_up)
    TopUpTerms.objects.update(minimum=Money(500, "USD"))
    buyer.come_back(top_up)
    assert_paid_once(top_up)


def test_sale_begun_before_a_move_to_nce_is_delivered(buyer: Buyer) -> None:
    """Rule 2.2: the rule governs the sale."""
    top_up = buyer.start()
    move_to_nce(buyer.organisation)
    buyer.pay(top_up)
    buyer.come_back(top_up)
    assert_paid_once(top_up)
    with pytest.raises(CreditsNotForSale):
        buyer.start()


def move_to_nce(organisation: Organisation) -> None:
    at = timezone.now()
    Organisation.objects.filter(pk=organisation.pk).update(billing_mode="NCE")
    organisation.mode_periods.update(ends_at=at)
    organisation.mode_periods.create(billing_mode="NCE", starts_at=at)


# --- receipt numbers --------------------------------------------------------------


def test_receipt_numbers_have_no_gap_after_a_rollback(formosa: Organisation) -> None:
    class Undone(Exception):
        pass

    assert take_receipt_number(formosa, at=makers.START) == "R-2026-0001"

    def take_and_undo() -> None:
        with transaction.atomic():
            assert take_receipt_number(formosa, at=makers.START) == "R-2026-0002"
            raise Undone

    with pytest.raises(Undone):
        take_and_undo()
    assert take_receipt_number(formosa, at=makers.START) == "R-2026-0002"
    # 31 December 16:30 UTC is the new year in Taipei already.
    new_year = makers.START.replace(month=12, day=31, hour=16, minute=30)
    assert take_receipt_number(formosa, at=new_year) == "R-2027-0001"
