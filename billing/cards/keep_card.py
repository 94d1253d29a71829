"""A card that Stripe saved becomes a row of ours, or the row it already is (rule 5.1).

The caller holds the wallet's lock.
"""

from dataclasses import dataclass
from datetime import datetime

from accounts.audit import record_audit
from accounts.models import Organisation, User
from billing.cards.card_gateway import CardFacts
from billing.models import PaymentMethod, RechargeTry, TryOutcome
from billing.models.cards import DISPUTED


@dataclass(frozen=True)
class KeptCard:
    """The row; and the copy at Stripe that is let go, or ''."""

    method: PaymentMethod
    leftover: str


def keep_card(
    organisation: Organisation,
    card: CardFacts,
    *,
    customer_id: str,
    is_reusable: bool,
    actor: User | None,
    at: datetime,
) -> KeptCard:
    """One row per card, known by its fingerprint however often it is saved."""
    mine = PaymentMethod.objects.kept().filter(organisation=organisation)
    known = mine.filter(stripe_payment_method_id=card.id).first()
    if known is not None:
        return KeptCard(known, "")
    method = (
        mine.filter(fingerprint=card.fingerprint).first() if card.fingerprint else None
    )
    leftover = method.stripe_payment_method_id if method else ""
    if method is not None and is_being_charged(method):
        # What was sent must be sent again word for word: the copy at hand stays.
        return KeptCard(method, card.id)
    if method is None:
        method = PaymentMethod(
            organisation=organisation,
            fingerprint=card.fingerprint,
            added_at=at,
            added_by=actor,
        )
    elif (card.expiry_year, card.expiry_month) > method.expires_in:
        _renewed(method)
    method.stripe_payment_method_id = card.id
    method.stripe_customer_id = customer_id
    method.brand, method.last_four = card.brand, card.last_four
    method.expiry_year, method.expiry_month = card.expiry_year, card.expiry_month
    method.is_reusable = is_reusable
    method.full_clean()
    method.save()
    record_audit(
        "save_card",
        at=at,
        organisation=organisation,
        actor=actor,
        object=method.reference,
        after={"card": str(method), "may_be_charged_later": is_reusable},
    )
    return KeptCard(method, leftover)


def is_being_charged(method: PaymentMethod) -> bool:
    """Whether a charge on it was sent and its end is not known."""
    is_open = [TryOutcome.UNKNOWN, TryOutcome.PROCESSING]
    tries = RechargeTry.objects.filter(payment_method=method, outcome__in=is_open)
    return tries.exists()


def _renewed(method: PaymentMethod) -> None:
    """The bank sent a new card of the same number: what the old one did is over."""
    if method.suspended_code == DISPUTED:
        return
    method.declines, method.suspended_at, method.suspended_code = 0, None, ""
