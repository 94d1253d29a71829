"""Which declines are for good and which may pass (rule 5.5).

Anything a bank says that is not known here may pass: it is tried again later, and four
in a row end it as well.
"""

HARD = frozenset(
    {
        "lost_card",
        "stolen_card",
        "pickup_card",
        "restricted_card",
        "expired_card",
        "fraudulent",
        "merchant_blacklist",
        "security_violation",
        "stop_payment_order",
        "revocation_of_authorization",
        "revocation_of_all_authorizations",
        "invalid_account",
        "new_account_information_available",
        "incorrect_number",
        "invalid_number",
        "card_not_supported",
        "currency_not_supported",
        "transaction_not_allowed",
        "service_not_allowed",
        "not_permitted",
        # Ours: Stripe no longer has the card, or will not charge it.
        "card_gone",
    }
)
NEEDS_HOLDER = frozenset(
    {
        "authentication_required",
        "authentication_not_handled",
        "payment_intent_authentication_failure",
    }
)


def is_hard(code: str) -> bool:
    return code in HARD


def needs_holder(code: str) -> bool:
    """Whether the card's holder has to approve it (rule 5.6)."""
    return code in NEEDS_HOLDER
