"""What charges, refunds and disputes leave on the balance.

A charge costs 2.9 % and 30 of the currency's smallest unit, half-up. Refunds give no
fee back.
"""

from sandbox.stripe.errors import Json
from sandbox.stripe.routes import Routes, reading
from sandbox.stripe.work import SHAPES, Work

FEE_PER_MILLE = 29
FIXED_FEE = 30


def charge_fee(amount: int) -> int:
    return min((amount * FEE_PER_MILLE + 500) // 1000 + FIXED_FEE, amount)


def add_to_balance(
    work: Work, source: Json, category: str, amount: int, fee: int = 0
) -> Json:
    """One entry for `source`; what leaves the balance is negative."""
    entry = work.blank("balance_transaction", "txn")
    detail = SHAPES["fee_detail"] | {"amount": fee, "currency": source["currency"]}
    is_dispute = category.startswith("dispute")
    if is_dispute:
        detail["description"] = "Dispute fee"
    entry |= {
        "amount": amount,
        "available_on": work.at,
        "currency": source["currency"],
        "description": source.get("description"),
        "fee": fee,
        "fee_details": [detail] if fee else [],
        "net": amount - fee,
        "reporting_category": category,
        "source": source["id"],
        "type": "adjustment" if is_dispute else category,
    }
    return work.save(entry)


ROUTES: Routes = reading("balance_transaction", "/v1/balance_transactions")
