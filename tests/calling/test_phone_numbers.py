"""Numbers as switches write them; nothing is repaired by guessing."""

import pytest

from calling.phone_numbers import Reading, is_toll_free, read_number
from calling.regions import country_of, is_domestic

RULES = (("9", ""), ("00", "+"))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("+81312345678", "+81312345678"),
        ("%2B81312345678", "+81312345678"),
        ("sip:+81312345678@192.0.2.1;user=phone", "+81312345678"),
        ("tel:+81-3-1234-5678", "+81312345678"),
        ("+81 (3) 1234.5678", "+81312345678"),
        ("0223456789", "+886223456789"),
        ("00281312345678", "+81312345678"),
    ],
)
def test_a_number_is_read_from_taiwan(raw: str, expected: str) -> None:
    assert read_number(raw, "TW") == (expected, Reading.E164)


@pytest.mark.parametrize("raw", ["", "anonymous", "Restricted", "UNKNOWN", "private"])
def test_nobody_is_nobody(raw: str) -> None:
    assert read_number(raw, "TW") == (None, Reading.ANONYMOUS)


@pytest.mark.parametrize(
    ("digits", "country"),
    [("110", "TW"), ("911", "US"), ("999", "GB"), ("112", "DE"), ("112", "XX")],
)
def test_emergency_numbers_come_before_any_rule(digits: str, country: str) -> None:
    read = read_number(digits, country, (("1", "+1"), ("9", "")))
    assert read == (None, Reading.EMERGENCY)


def test_an_emergency_number_is_that_of_the_source_s_country() -> None:
    assert read_number("911", "GB").reading is not Reading.EMERGENCY


def test_the_first_rewrite_rule_that_fits_is_used() -> None:
    assert read_number("90223456789", "TW", RULES).e164 == "+886223456789"
    assert read_number("0081312345678", "TW", RULES).e164 == "+81312345678"


@pytest.mark.parametrize(
    "raw", ["+1001", "1234", "Reception", "81312345678", "+81", "*98", "++81312345678"]
)
def test_what_cannot_be_understood_stays_as_it_is(raw: str) -> None:
    assert read_number(raw, "TW") == (None, Reading.NOT_E164)


def test_a_masked_number_keeps_the_digits_that_are_seen() -> None:
    assert read_number("+49301234***", "DE") == ("+49301234", Reading.MASKED)
    assert read_number("***", "DE") == (None, Reading.NOT_E164)


def test_italy_keeps_its_zero() -> None:
    assert read_number("+390612345678", "TW").e164 == "+390612345678"
    assert read_number("0612345678", "IT").e164 == "+390612345678"


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+12125550100", "US"),
        ("+14165550100", "CA"),
        ("+17875550100", "PR"),
        ("+18765550100", "JM"),
        ("+77011234567", "KZ"),
        ("+74951234567", "RU"),
        ("+441534123456", "JE"),
        ("+442071234567", "GB"),
        ("+390669812345", "VA"),
        ("+390612345678", "IT"),
        ("+886223456789", "TW"),
        ("+87012345678", ""),
    ],
)
def test_the_country_of_a_number(number: str, country: str) -> None:
    assert country_of(number) == country


@pytest.mark.django_db
def test_rule_6_3_the_us_canada_and_puerto_rico_are_one_area() -> None:
    assert is_domestic("+14165550100", "US")
    assert is_domestic("+12125550100", "PR")
    assert not is_domestic("+18765550100", "US")
    assert not is_domestic("+441534123456", "GB")


def test_toll_free_ranges() -> None:
    assert is_toll_free("+18005550123")
    assert is_toll_free("+448001111111")
    assert not is_toll_free("+442071234567")
