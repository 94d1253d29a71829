"""Closes the months of organisations, once each, and drafts what they owe (rule 10.1)."""

from datetime import date, datetime

from accounts.models import Organisation
from billing.models import ClosedMonth


def close_month(
    organisation: Organisation, month: date, *, at: datetime
) -> ClosedMonth:
    """The closed month; closed before, it is returned as it was."""
    raise NotImplementedError
