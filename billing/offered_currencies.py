"""In which currencies an organisation may be opened (rule 1.2)."""

from datetime import datetime

from billing.models import TopUpTerms
from calling.models import Purpose, RateCardVersion


def offered_currencies(at: datetime) -> list[str]:
    """Those with a step, terms of sale and a calling card in force, by code."""
    priced = RateCardVersion.objects.filter(
        card__purpose=Purpose.CALLING,
        card__is_default=True,
        valid_from__lte=at,
    ).values_list("card__currency", flat=True)
    return sorted(set(TopUpTerms.known_currencies()) & set(priced))
