"""A card's rates in memory: a mapping like any other, only smaller (rule 6.1)."""

from dataclasses import replace

import pytest

from calling.card_rates import CardRates, card_rates, terms_of
from calling.decks.record import RateIn

JAPAN = RateIn(0, "81", "Japan", "JP", "fixed", 21_000, unmapped={"change": "i"})
MOBILE = replace(JAPAN, prefix="8190", number_type="mobile", unmapped=None)


def test_what_is_put_in_comes_out() -> None:
    rates = CardRates([JAPAN, MOBILE])
    assert dict(rates) == {"81": JAPAN, "8190": MOBILE}
    assert ("81" in rates, "82" in rates, len(rates)) == (True, False, 2)
    assert rates.get("82") is None
    with pytest.raises(KeyError):
        rates["82"]


def test_prefixes_of_the_same_terms_share_them() -> None:
    rates = CardRates([JAPAN, replace(JAPAN, prefix="82", line=7)])
    assert rates.terms["81"] is rates.terms["82"]


def test_a_copy_changes_by_itself() -> None:
    rates = CardRates([JAPAN, MOBILE])
    for copied in (rates.copy(), card_rates(rates), card_rates(dict(rates))):
        copied.drop("81")
        copied.drop("99")
        copied.put("82", terms_of(JAPAN))
        assert sorted(copied) == ["8190", "82"]
    assert sorted(rates) == ["81", "8190"]
