"""Makes a card the one that prices everybody without their own (rule 6.1).

The default of its currency and purpose until now steps back. From the next call on the
other prices hold, so it is written down with a reason, and whoever pays more is told
(`tell_rate_rises`). Days of notice that the old default promised are kept: a rise is
refused. Locks both cards.
"""

from datetime import datetime
from typing import ClassVar

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.audit import record_audit
from accounts.models import User
from calling.activate_rates import RatesRefused
from calling.models import DefaultCardChoice, RateCard, RateCardVersion
from calling.price_rises import check_notice
from calling.write_rates import read_rates, version_in_force


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


class DefaultWithoutNotice(RatesRefused):
    """The default's customers are told so many days before a price rises."""

    code: ClassVar[str] = "default_without_notice"
    sentence: ClassVar[str | Promise] = _(
        "%(count)s prices rise, and %(card)s promises %(days)s days of notice: "
        "bring the new prices into %(card)s instead, from %(date)s UTC or later."
    )
    status: ClassVar[int] = 409


def choose_default_card(
    card: RateCard, *, actor: User, reason: str, at: datetime
) -> bool:
    """False if it is the default already.

    Raises NotForEverybody, CardHasNoRates and DefaultWithoutNotice.
    """
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
        after = version_in_force(card, at)
        if after is None:
            raise CardHasNoRates
        if before is not None:
            _replace_prices(before, card, after, at)
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


def _replace_prices(
    old: RateCard, card: RateCard, after: RateCardVersion, at: datetime
) -> None:
    """Remembers what priced until now, so that whoever pays more is told of it.

    A choice that nobody was told of yet is replaced: customers compare with the prices
    that they had before it.
    """
    before = version_in_force(old, at)
    if before is None:
        return
    check_notice(
        old,
        read_rates(before).rates,
        read_rates(after).rates,
        valid_from=at,
        at=at,
        refusal=DefaultWithoutNotice,
    )
    untold = DefaultCardChoice.objects.select_for_update().filter(
        card__currency=card.currency, card__purpose=card.purpose, told_at=None
    )
    choice = untold.first() or DefaultCardChoice(before=before)
    choice.card, choice.after, choice.chosen_at = card, after, at
    choice.save()
    # What waits on a card that priced nobody was told to nobody, and what holds on it
    # already replaces nothing but the old default.
    card.versions.filter(valid_from__gt=at).update(told_at=None)
    card.versions.filter(valid_from__lte=at, told_at=None).update(told_at=at)
