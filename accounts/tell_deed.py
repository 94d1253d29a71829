"""Tells an organisation's owners what the provider's staff did to it (rule 11).

Called inside the transaction of the deed. The reason is told word for word: whoever
writes it knows that the customer reads it.
"""

from datetime import datetime
from typing import Literal, TypeAlias

from django.urls import reverse

from accounts.models import NoticeKind, Organisation, User
from accounts.notify import owe_notice

# The words that templates/email/staff_action/subject.txt has a sentence for.
Deed: TypeAlias = Literal[
    "credit_given",
    "credit_adjusted",
    "call_credited",
    "lot_extended",
    "recharge_stopped",
    "recharge_allowed",
]


def tell_deed(
    deed: Deed,
    organisation: Organisation,
    *,
    reference: str,
    actor: User,
    reason: str,
    at: datetime,
    amount: int = 0,
    page: str = "credits",
) -> None:
    """Owes one message; `amount` in micros, `reference` makes the deed known."""
    owe_notice(
        NoticeKind.STAFF_ACTION,
        organisation=organisation,
        episode=f"{deed}:{reference}",
        context={
            "deed": deed,
            "actor": actor.get_full_name(),
            "reason": reason,
            "done_at": at.isoformat(),
            "amount": amount,
            "currency": organisation.currency,
            "path": reverse(page),
        },
        at=at,
    )
