"""Puts credits on sale, as an installation does before its first customer."""

from calling.models import RateCard, RateCardVersion
from tests import makers
from tests.makers import START


def sold_in_dollars() -> None:
    """Terms of sale and a calling card in force since the start."""
    makers.make_terms("USD")
    card = RateCard.objects.create(name="World", currency="USD", is_default=True)
    RateCardVersion.objects.create(
        card=card, number=1, valid_from=START, rate_count=1, imported_at=START
    )
