"""What the pages say of each saved card: what it is for, and what keeps it idle."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import Organisation
from billing.cards.tell_expiring_cards import TOLD_BEFORE, last_day_of
from billing.decline_reasons import decline_reason
from billing.models import AutoRecharge, PaymentMethod
from billing.models.cards import DISPUTED


@dataclass(frozen=True)
class CardRow:
    """One card; `trouble` is why it is not charged later and what helps, or ''."""

    pk: int
    title: str
    expiry: str
    is_default: bool
    is_charged: bool
    is_backup: bool
    is_expired: bool
    expires_soon: bool
    is_paused: bool
    is_reusable: bool
    trouble: str

    @property
    def may_be_charged(self) -> bool:
        return not (self.is_expired or self.is_paused) and self.is_reusable


def card_rows(organisation: Organisation, *, at: datetime) -> list[CardRow]:
    """The kept cards, the default first, then the newest."""
    recharge = AutoRecharge.objects.filter(organisation=organisation).first()
    kept = PaymentMethod.objects.kept().filter(organisation=organisation)
    return [_row(card, recharge, at) for card in kept.order_by("-is_default", "-pk")]


def _row(card: PaymentMethod, recharge: AutoRecharge | None, at: datetime) -> CardRow:
    today = card.organisation.local_day(at)
    is_expired = card.is_expired(today)
    return CardRow(
        pk=card.pk,
        title=card.title,
        expiry=card.expiry_text,
        is_default=card.is_default,
        is_charged=recharge is not None and recharge.payment_method_id == card.pk,
        is_backup=recharge is not None and recharge.backup_id == card.pk,
        is_expired=is_expired,
        expires_soon=not is_expired and last_day_of(card) - today <= TOLD_BEFORE,
        is_paused=card.suspended_at is not None,
        is_reusable=card.is_reusable,
        trouble=_trouble(card, is_expired=is_expired),
    )


def _trouble(card: PaymentMethod, *, is_expired: bool) -> str:
    if is_expired:
        return _("It has expired. Add the card that took its place.")
    if not card.is_reusable:
        return _("It pays only while you are there; auto-recharge cannot charge it.")
    if card.suspended_at is None:
        return ""
    if card.suspended_code == DISPUTED:
        return _(
            "A payment with it is disputed. It is charged again when the dispute has "
            "ended, or when we resume it for you; another card can be charged at once."
        )
    return _(
        "%(reason)s It is not charged by itself any more. That ends once you have "
        "added funds; another card can be charged at once."
    ) % {"reason": decline_reason(card.suspended_code)}
