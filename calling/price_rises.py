"""Which prices a version raises, and since when staff must have said so (rule 6.1).

Pure. A number is dearer when its longest prefix costs more than its longest prefix did,
so a new prefix in a cheaper one's place is a rise, and one that is gone may be. A card
may promise its customers so many days of notice; what rises sooner is refused.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.refusals import TollgateError
from calling.compare_rates import PriceChange, biggest, change_of, way_of
from calling.decks.record import RateIn
from calling.models import RateCard
from calling.write_rates import facts_of, view_of


class RiseWithoutNotice(TollgateError):
    """The card's customers are told so many days before a price rises."""

    code: ClassVar[str] = "rise_without_notice"
    sentence: ClassVar[str | Promise] = _(
        "%(count)s prices rise, and %(card)s promises %(days)s days of notice: "
        "choose %(date)s UTC or later."
    )
    status: ClassVar[int] = 409


def rises_of(
    before: Mapping[str, RateIn], after: Mapping[str, RateIn]
) -> list[PriceChange]:
    """Every prefix whose calls cost more than before, the biggest rise first."""
    rises = []
    for prefix in before.keys() | after.keys():
        old, new = _longest(before, prefix), _longest(after, prefix)
        if old is None or new is None or old.is_blocked or new.is_blocked:
            continue
        if facts_of(old) != facts_of(new) and way_of(view_of(old), view_of(new)) > 0:
            rises.append(change_of(old, new))
    return biggest(rises, most=len(rises))


def check_notice(
    card: RateCard,
    before: Mapping[str, RateIn],
    after: Mapping[str, RateIn],
    *,
    valid_from: datetime,
    at: datetime,
    refusal: type[TollgateError] = RiseWithoutNotice,
) -> None:
    """Raises the refusal where prices rise sooner than the card promises."""
    earliest = at + timedelta(days=card.notice_days)
    if valid_from >= earliest:
        return
    rises = rises_of(before, after)
    if rises:
        raise refusal(
            count=len(rises),
            card=card.name,
            days=card.notice_days,
            date=f"{earliest + timedelta(minutes=1):%Y-%m-%d %H:%M}",
        )


def _longest(rates: Mapping[str, RateIn], prefix: str) -> RateIn | None:
    for length in range(len(prefix), 0, -1):
        rate = rates.get(prefix[:length])
        if rate is not None:
            return rate
    return None
