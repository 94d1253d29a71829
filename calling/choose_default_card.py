"""Makes a card the one that prices everybody without their own (rule 6.1).

The default of its currency and purpose until now steps back. From the next call on the
other prices hold, so it is written down with a reason. Locks both cards.
"""

from datetime import datetime
from typing import ClassVar

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.audit import record_audit
from accounts.models import User
from calling.activate_rates import RatesRefused
from calling.models import RateCard
from calling.write_rates import version_in_force


class NotForEverybody(RatesRefused):
    code: ClassVar[str] = "own_card_is_not_default"
    sentence: ClassVar[str | Promise] = _(
        "A card of one organisation cannot be everybody's default."
    )
    status: ClassVar[int] = 409


class CardHasNoRates(RatesRefused):
    code: ClassVar[str] = "card_has_no_rates"
    sentence: ClassVar[str | Promise] = _("This card has no rates in force.")
    status: ClassVar[int] = 409


def choose_default_card(
    card: RateCard, *, actor: User, reason: str, at: datetime
) -> bool:
    """False if it is the default already."""
    with transaction.atomic():
        same = RateCard.objects.select_for_update().filter(
            currency=card.currency, purpose=card.purpose, organisation=None
        )
        cards = {one.pk: one for one in same.order_by("pk")}
        if card.pk not in cards:
            raise NotForEverybody
        before = next((one for one in cards.values() if one.is_default), None)
        if before is not None and before.pk == card.pk:
            return False
        if version_in_force(card, at) is None:
            raise CardHasNoRates
        same.filter(is_default=True).update(is_default=False)
        same.filter(pk=card.pk).update(is_default=True)
        record_audit(
            "choose_default_card",
            at=at,
            actor=actor,
            object=card.name,
            reason=reason,
            before={"default": before.name if before is not None else None},
            after={"default": card.name},
        )
    return True
