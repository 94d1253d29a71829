"""Disputes: inquiries, which take nothing, and chargebacks, which take it all at once.

Opened by a card or on request. They end won, when the money comes back without the fee,
or lost. Evidence that says `winning_evidence` or `losing_evidence` decides.
"""

from sandbox.stripe.balance import add_to_balance
from sandbox.stripe.cards import Card
from sandbox.stripe.errors import Conflict, Json
from sandbox.stripe.routes import Routes, reading
from sandbox.stripe.work import Work

URL = "/v1/disputes"
FEE = 1500
ANSWER_WITHIN_SECONDS = 7 * 24 * 60 * 60
NETWORK_CODES = {
    "credit_not_processed": "13.7",
    "duplicate": "12.6.1",
    "fraudulent": "10.4",
    "product_not_received": "13.1",
    "product_unacceptable": "13.3",
    "subscription_canceled": "13.2",
}
DECIDING = {"winning_evidence": "won", "losing_evidence": "lost"}
CLOSED = ("won", "lost", "warning_closed")


def open_dispute(
    work: Work,
    charge: Json,
    *,
    reason: str = "fraudulent",
    amount: int | None = None,
    inquiry: bool = False,
) -> Json:
    left = charge["amount"] - charge["amount_refunded"]
    amount = left if amount is None else amount
    is_open = any(one["status"] not in CLOSED for one in _of(work, charge))
    if is_open or not charge["paid"] or not 0 < amount <= charge["amount"]:
        raise Conflict("That much of this charge cannot be disputed.", param="amount")
    dispute = work.blank("dispute", "du")
    for key in ("currency", "payment_intent"):
        dispute[key] = charge[key]
    dispute |= {
        "amount": amount,
        "charge": charge["id"],
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
        "is_charge_refundable": inquiry,
    }
    dispute["evidence_details"]["due_by"] = work.at + ANSWER_WITHIN_SECONDS
    brand = charge["payment_method_details"]["card"]["brand"]
    dispute["payment_method_details"]["card"] |= {
        "brand": brand,
        "case_type": "inquiry" if inquiry else "chargeback",
        "network": brand,
        "network_reason_code": NETWORK_CODES.get(reason),
    }
    work.change(charge, {"disputed": True})
    work.tell("charge.dispute.created", dispute)
    if not inquiry:
        _withdraw(work, dispute)
    return dispute


def dispute_as_the_card_says(work: Work, charge: Json, card: Card) -> None:
    if card.disputes == "inquiry":
        open_dispute(work, charge, inquiry=True)
    elif card.disputes:
        open_dispute(work, charge, reason=card.disputes)


def escalate_dispute(work: Work, dispute: Json) -> Json:
    """An inquiry becomes a chargeback."""
    if not dispute["status"].startswith("warning_") or dispute["status"] in CLOSED:
        raise Conflict(f"This dispute is no open inquiry: {dispute['status']}.")
    before = {"status": dispute["status"]}
    dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
    dispute |= {"is_charge_refundable": False, "status": "needs_response"}
    work.emit("charge.dispute.updated", work.save(dispute), before)
    return _withdraw(work, dispute)


def close_dispute(work: Work, dispute: Json, status: str) -> Json:
    """Ends `won` or `lost`; an inquiry is closed in either case."""
    if dispute["status"] in CLOSED:
        raise Conflict(f"This dispute is already closed: {dispute['status']}.")
    is_inquiry = dispute["status"].startswith("warning_")
    status = "warning_closed" if is_inquiry else status
    is_won = status == "won"
    if is_won:
        dispute["is_charge_refundable"] = True
    work.tell("charge.dispute.closed", dispute, status=status)
    if is_won:
        _move_money(work, dispute, "dispute_reversal", dispute["amount"])
        work.tell("charge.dispute.funds_reinstated", dispute)
    return dispute


def _withdraw(work: Work, dispute: Json) -> Json:
    _move_money(work, dispute, "dispute", -dispute["amount"], FEE)
    return work.tell("charge.dispute.funds_withdrawn", dispute)


def _move_money(
    work: Work, dispute: Json, category: str, amount: int, fee: int = 0
) -> None:
    entry = add_to_balance(work, dispute, category, amount, fee)
    dispute["balance_transactions"].append(entry)


def is_charged_back(work: Work, charge: Json) -> bool:
    """May not be refunded, because the bank has the money."""
    return not all(one["is_charge_refundable"] for one in _of(work, charge))


def _of(work: Work, charge: Json) -> list[Json]:
    return work.select("dispute", charge=charge["id"]) if charge["disputed"] else []


def update_dispute(work: Work, params: Json, name: str) -> Json:
    dispute = work.find("dispute", name)
    if dispute["status"] in CLOSED and "evidence" in params:
        raise Conflict("This dispute is already closed.")
    is_submitted = params.pop("submit", True) and "evidence" in params
    if "evidence" in params:
        params["evidence"] = dispute["evidence"] | params["evidence"]
        details = dispute["evidence_details"] | {"has_evidence": True}
        details["submission_count"] += int(is_submitted)
        params["evidence_details"] = details
    if is_submitted:
        is_inquiry = dispute["status"].startswith("warning_")
        params["status"] = "warning_under_review" if is_inquiry else "under_review"
    if before := work.change(dispute, params):
        work.emit("charge.dispute.updated", dispute, before)
    outcome = DECIDING.get(dispute["evidence"]["uncategorized_text"] or "")
    if is_submitted and outcome:
        return close_dispute(work, dispute, outcome)
    return dispute


def accept_dispute(work: Work, _params: Json, name: str) -> Json:
    return close_dispute(work, work.find("dispute", name), "lost")


ROUTES: Routes = {
    **reading("dispute", URL),
    f"POST {URL}/{{id}}": update_dispute,
    f"POST {URL}/{{id}}/close": accept_dispute,
}
