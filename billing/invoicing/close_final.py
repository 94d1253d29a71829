"""Bills all post-paid use and debt until now, at once (rules 1.8, 2.4)."""

from datetime import datetime

from accounts.models import Organisation, User
from billing.models import Invoice


def close_final(
    organisation: Organisation, *, actor: User | None, at: datetime
) -> Invoice | None:
    """The draft, or None where there is nothing to bill."""
    raise NotImplementedError
