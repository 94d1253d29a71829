"""Asks a job to render the receipt of a sale, in the transaction that made it paid.

The receipt shows both parties as they were then; whoever asks for it before the job has
run gets the same document.
"""

from django_q.tasks import async_task

from billing.models import StaffPayment, TopUp

RECEIPTS: dict[str, type[TopUp] | type[StaffPayment]] = {
    "top_up": TopUp,
    "staff_payment": StaffPayment,
}


def ask_receipt(sale: TopUp | StaffPayment) -> None:
    kind = "top_up" if isinstance(sale, TopUp) else "staff_payment"
    async_task("billing.jobs.keep_receipt", kind, sale.pk)
