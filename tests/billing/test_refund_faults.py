"""Every statement and every Stripe call of a refund fails once (R4, museum B6).

After replay the credit is taken once and the money sent once, or neither.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Notice, Organisation, User
from billing.models import Refund, RefundState, TopUp
from billing.reversing import refund as verb
from billing.reversing.refund import refund_top_up
from billing.reversing.reversal_gateway import SeenRefund
from billing.reversing.sweep_reversals import go_on_with_refunds
from credits.bulk import reserve_ids
from credits.money import to_micros
from tests.billing.faults import FaultPoint
from tests.billing.reversing import REASON, amounts, assert_proven, make_sale
from tests.makers import START, make_user

AT = START + timedelta(days=3)


@dataclass
class Bank:
    """Stripe's side of refunds: the same key is the same refund."""

    ending: str = "succeeded"
    made: dict[str, SeenRefund] = field(default_factory=dict)

    def send_refund(self, refund: Refund, payment_id: str) -> SeenRefund:
        known = self.made.get(refund.reference)
        if known is None:
            known = self.made[refund.reference] = SeenRefund(
                id=f"re_{refund.pk}",
                status="pending",
                amount=refund.total_micros,
                currency=refund.currency,
                payment_id=payment_id,
                metadata={"refund": str(refund.pk)},
                failure_code="",
            )
        return known

    def fetch_refund(self, refund_id: str) -> SeenRefund:
        found = next(one for one in self.made.values() if one.id == refund_id)
        code = "lost_or_stolen_card" if self.ending == "failed" else ""
        return replace(found, status=self.ending, failure_code=code)

    def list_refunds(self, _payment_id: str) -> list[SeenRefund]:
        return list(self.made.values())


@contextmanager
def failing(point: FaultPoint, bank: Bank) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("send_refund", "fetch_refund", "list_refunds"):
            patch.setattr(verb, name, point.call(name, getattr(bank, name)))
        with connection.execute_wrapper(point.statement):
            try:
                yield
            except Exception:
                if not point.failed:
                    raise
                transaction.set_rollback(False)


def click(sale: TopUp, staff: User) -> Refund:
    credit = to_micros("40")
    return refund_top_up(
        sale, credit, client_key="form:1", reason=REASON, actor=staff, at=AT
    )


def replay(sale: TopUp, staff: User, later: datetime) -> None:
    """Staff click again where nothing was kept; the sweep does the rest."""
    if not Refund.objects.exists():
        click(sale, staff)
    for hours in (2, 4):
        go_on_with_refunds(later + timedelta(hours=hours))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ending", "is_after"), [("succeeded", False), ("failed", True)]
)
def test_b6_a_refund_is_made_once_or_not_at_all(
    formosa: Organisation, ending: str, is_after: bool
) -> None:
    sale, staff = make_sale(formosa, "100", "5"), make_user(is_staff=True)
    number, failed = 0, "the first"
    while failed:
        number += 1
        reserve_ids(Refund, 3)  # keys at the bank are made of ids
        point, bank = FaultPoint(number, is_after), Bank(ending)
        world = transaction.savepoint()
        with failing(point, bank):
            made = click(sale, staff)
            verb.finish_refund(made.pk, at=AT + timedelta(hours=2))
        failed = point.failed
        with failing(FaultPoint(), bank):
            replay(sale, staff, AT)
        check(sale, bank, ending, f"point {number}, {failed}")
        transaction.savepoint_rollback(world)
    assert number > 40


def check(sale: TopUp, bank: Bank, ending: str, where: str) -> None:
    refund = Refund.objects.get()
    kept = "US$60.00" if ending == "succeeded" else "US$100.00"
    found: tuple[Any, ...] = (len(bank.made), refund.state, *amounts(sale.organisation))
    assert found == (1, RefundState(ending), kept, "US$0.00"), where
    assert refund.stripe_refund_id == f"re_{refund.pk}", where
    kinds = set(Notice.objects.values_list("kind", flat=True))
    assert kinds == {"refund_done" if ending == "succeeded" else "refund_failed"}
    assert_proven(AT)
