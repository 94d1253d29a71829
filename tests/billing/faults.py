"""Makes the n-th statement or Stripe call of some work fail, before or after it acts.

The work is done over and over from the same world: each time one point further on, then
the jobs are replayed, and what came of it is compared with what must have come.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from billing import gateway
from billing.collecting import invoice_gateway
from billing.models import Invoice, RechargeAttempt, TopUp
from billing.refusals import PaymentsUnavailable
from credits.bulk import reserve_ids

CALLS = (
    "ensure_customer",
    "open_checkout",
    "fetch_checkout",
    "fetch_payment",
    "list_payments",
    "charge_off_session",
)
INVOICE_CALLS = (
    "create_invoice",
    "add_items",
    "finalise_invoice",
    "pay_invoice",
    "fetch_invoice",
    "payment_of",
)
# In a test these stand for BEGIN, COMMIT and ROLLBACK, which are nobody's statements.
BOUNDS = ("SAVEPOINT", "RELEASE", "ROLLBACK")


@dataclass
class FaultPoint:
    """Counts on its way; the point of that number fails, and says what it was."""

    number: int = 0
    is_after: bool = False
    seen: int = 0
    failed: str = ""
    names: list[str] = field(default_factory=list)

    def statement(
        self, execute: Any, sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        act = partial(execute, sql, params, many, context)
        if sql.lstrip().upper().startswith(BOUNDS):
            return act()
        return self._pass(act, sql[:80], OperationalError("The database went away."))

    def call(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            act = partial(function, *args, **kwargs)
            return self._pass(act, name, PaymentsUnavailable())

        return called

    def _pass(self, act: Callable[[], Any], name: str, error: Exception) -> Any:
        self.seen += 1
        self.names.append(name)
        if self.seen != self.number:
            return act()
        self.failed = name
        if self.is_after:
            act()
        raise error


@contextmanager
def failing(point: FaultPoint, *, calls_only: bool = False) -> Iterator[None]:
    """Within, the point counts; what it raises is what a worker would log."""
    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(gateway, name, point.call(name, getattr(gateway, name)))
        for name in INVOICE_CALLS:
            called = point.call(name, getattr(invoice_gateway, name))
            patch.setattr(invoice_gateway, name, called)
        statements = connection.execute_wrapper(point.statement)
        with nullcontext() if calls_only else statements:
            try:
                yield
            except Exception:
                # Django reads a failed question about a constraint as a refusal.
                if not point.failed:
                    raise
                # A statement of no transaction fails alone; here the test's is around.
                transaction.set_rollback(False)


def every_point(
    work: Callable[[], object],
    replay: Callable[[], object],
    *,
    is_after: bool,
    calls_only: bool = False,
) -> int:
    """Fails each point in turn, replays, and undoes it all; how many there were.

    `replay` does what the jobs would do, and asserts what must have come of it. Keys at
    Stripe are made from ids, so none of those may come again.
    """
    number = 0
    while True:
        number += 1
        reserve_ids(TopUp, 10)
        reserve_ids(Invoice, 10)
        reserve_ids(RechargeAttempt, 10)
        point = FaultPoint(number, is_after)
        world = transaction.savepoint()
        with failing(point, calls_only=calls_only):
            work()
        try:
            replay()
        except AssertionError as error:
            raise AssertionError(f"point {number}, {point.failed}: {error}") from error
        transaction.savepoint_rollback(world)
        if not point.failed:
            return number - 1
