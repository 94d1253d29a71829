"""What happens because time passed: sessions expire, refunds settle."""

from sandbox.stripe.checkout_sessions import expire_old_sessions
from sandbox.stripe.refunds import settle_due_refunds
from sandbox.stripe.work import Work


def let_time_pass(work: Work) -> None:
    expire_old_sessions(work)
    settle_due_refunds(work)
