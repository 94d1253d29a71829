"""Tax ids that can be right, and those that cannot."""

import pytest
from django.core.exceptions import ValidationError

from billing.tax_ids import EU_VAT, clean_tax_id


@pytest.mark.parametrize(
    ("typed", "country", "clean"),
    [
        ("22099131", "TW", "22099131"),
        ("０４５９５２５７", "TW", "04595257"),
        ("10458575", "TW", "10458575"),  # the seventh digit is a 7
        ("DE 123.456.789", "DE", "DE123456789"),
        ("el123456789", "GR", "EL123456789"),
        ("ATU12345678", "AT", "ATU12345678"),
        ("whatever 1", "US", "WHATEVER1"),
        ("  ", "TW", ""),
    ],
)
def test_ids_that_can_be_right(typed: str, country: str, clean: str) -> None:
    assert clean_tax_id(typed, country=country) == clean


@pytest.mark.parametrize(
    ("typed", "country", "sentence"),
    [
        ("22099132", "TW", "has eight digits"),
        ("2209913", "TW", "has eight digits"),
        ("123456789", "DE", "begins with DE"),
        ("GR123456789", "GR", "begins with EL"),
        ("DE12345678", "DE", "begins with DE"),
    ],
)
def test_ids_that_cannot(typed: str, country: str, sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence) as refusal:
        clean_tax_id(typed, country=country)
    assert refusal.value.code == "tax_id"


def test_every_member_of_the_union_is_known() -> None:
    assert len(EU_VAT) == 27
