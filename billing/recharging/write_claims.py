"""Writes claimed recharges: the sale, its attempt, and the first try with its key.

Three statements for any number of them. The caller holds the wallets' locks.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from accounts.models import BillingMode
from billing.models import (
    AttemptState,
    RechargeAttempt,
    RechargeCause,
    RechargeTry,
    TopUp,
    TopUpKind,
    TopUpState,
    TryOutcome,
)
from billing.tax_rates import NO_TAX, Tax, tax_on
from credits.bulk import Table, insert_tables, reserve_ids
from credits.money import Micros, to_decimal


class Claim(NamedTuple):
    """What one wallet is charged, and on which card; the amount is its credit."""

    organisation_id: int
    currency: str
    credit: Micros
    consent_id: int
    card_id: int
    customer_id: str
    tax: Tax = NO_TAX


# What a sale that has only begun holds in every other column.
NOTHING_YET = {
    "received": 0,
    "refunded": 0,
    "disputed": 0,
    "dispute_status": "",
    "purchase_order": "",
    "receipt_number": "",
    "stripe_session_id": "",
    "stripe_payment_intent_id": "",
    "checkout_url": "",
    "failure_code": "",
}
TOP_UP = (
    "id",
    "organisation_id",
    "billing_mode",
    "client_key",
    "kind",
    "state",
    "currency",
    "credit",
    "tax",
    "tax_percent",
    "total",
    "stripe_customer_id",
    "started_at",
    *NOTHING_YET,
)
ATTEMPT = (
    "id",
    "organisation_id",
    "billing_mode",
    "top_up_id",
    "currency",
    "consent_id",
    "cause",
    "state",
    "used_backup",
    "next_try_at",
    "started_at",
)
TRY = (
    "attempt_id",
    "number",
    "payment_method_id",
    "stripe_key",
    "stripe_payment_intent_id",
    "outcome",
    "failure_code",
    "made_at",
)


def write_claims(
    claims: Sequence[Claim], *, cause: RechargeCause, at: datetime
) -> list[int]:
    """The ids of the attempts, in the order of the claims; each is due at once."""
    if not claims:
        return []
    sales = reserve_ids(TopUp, len(claims))
    attempts = reserve_ids(RechargeAttempt, len(claims))
    numbered = list(zip(sales, attempts, claims, strict=True))
    insert_tables(_tables(numbered, cause.value, at))
    return list(attempts)


def _tables(
    numbered: Sequence[tuple[int, int, Claim]], cause: str, at: datetime
) -> Iterator[Table]:
    """Each is made while the database stores the one before."""
    yield Table(TopUp, TOP_UP, [_sale(*one, at) for one in numbered])
    attempts = [_attempt(*one, cause, at) for one in numbered]
    yield Table(RechargeAttempt, ATTEMPT, attempts)
    yield Table(RechargeTry, TRY, [_first_try(*one, at) for one in numbered])


def payment_key(attempt_id: int, number: int) -> str:
    """Stripe's key of a try: sent again with it, a charge is made once (rule 5.3)."""
    return f"recharge:{attempt_id}:{number}"


PREPAID = BillingMode.PREPAID.value
BEGUN = (TopUpKind.RECHARGE.value, TopUpState.STARTED.value)
CLAIMED, UNKNOWN = AttemptState.CLAIMED.value, TryOutcome.UNKNOWN.value
_NOTHING_YET = tuple(NOTHING_YET.values())


def _sale(sale: int, attempt: int, claim: Claim, at: datetime) -> tuple[object, ...]:
    return (
        sale,
        claim.organisation_id,
        PREPAID,
        f"recharge:{attempt}",
        *BEGUN,
        claim.currency,
        *_stored(claim.credit, claim.tax, claim.currency),
        claim.customer_id,
        at,
        *_NOTHING_YET,
    )


@lru_cache(maxsize=1000)
def _stored(credit: Micros, tax: Tax, currency: str) -> tuple[str, str, str, str]:
    """The credit, its tax, the percentage and the total, as the columns hold them."""
    added = tax_on(credit, tax, currency)
    percent = str(tax.percent)
    return _decimal(credit), _decimal(added), percent, _decimal(credit + added)


def _decimal(amount: Micros) -> str:
    return f"{to_decimal(amount):.3f}"


def _attempt(
    sale: int, attempt: int, claim: Claim, cause: str, at: datetime
) -> tuple[object, ...]:
    return (
        attempt,
        claim.organisation_id,
        PREPAID,
        sale,
        claim.currency,
        claim.consent_id,
        cause,
        CLAIMED,
        False,
        at,
        at,
    )


def _first_try(
    _sale_id: int, attempt: int, claim: Claim, at: datetime
) -> tuple[object, ...]:
    return (attempt, 1, claim.card_id, payment_key(attempt, 1), "", UNKNOWN, "", at)
