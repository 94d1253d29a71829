"""Random lines in every currency: exact amounts and minor units agree."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from billing.invoicing.draft import DraftLine, share_minors, total_minor, with_tax
from billing.models import LineKind
from credits.money import CURRENCIES

amounts = some.lists(some.integers(-(10**13), 10**13), min_size=1, max_size=30)
currencies = some.sampled_from(sorted(CURRENCIES))
percents = some.integers(0, 100_000).map(lambda number: Decimal(number).scaleb(-3))


@given(amounts, currencies)
def test_b103_line_minors_add_up_to_the_total(lines: list[int], code: str) -> None:
    """10.3: total = half-up of the exact sum; no line is a unit off."""
    currency = CURRENCIES[code]
    unit = currency.micros_per_minor
    minors = share_minors(lines, currency)
    assert sum(minors) == total_minor(lines, currency)
    assert abs(sum(minors) * unit - sum(lines)) * 2 <= unit
    for amount, minor in zip(lines, minors, strict=True):
        assert minor - amount // unit in {0, 1}
        assert amount % unit or minor * unit == amount


@given(amounts, currencies, percents)
def test_tax_is_less_than_a_millionth_off(
    lines: list[int], code: str, percent: Decimal
) -> None:
    drafts = [DraftLine(LineKind.USAGE, amount) for amount in lines]
    taxed = with_tax(drafts, name="VAT", percent=percent)
    basis, tax = sum(lines), sum(line.amount for line in taxed) - sum(lines)
    assert abs(tax * 100_000 - basis * int(percent * 1000)) < 100_000
    assert [line.amount for line in taxed[: len(lines)]] == lines


@pytest.mark.parametrize(
    ("code", "lines", "minors"),
    [
        ("USD", [5_000], [1]),  # a half goes up
        ("USD", [-5_000], [-1]),
        ("USD", [4_000, 4_000, 4_000], [1, 0, 0]),
        ("USD", [4_000, 9_000, 4_000], [1, 1, 0]),
        ("JPY", [1_500_000, 499_999], [2, 0]),
        ("TWD", [500_000], [1]),
        ("KWD", [1_500, 1_400], [2, 1]),
    ],
)
def test_the_largest_remainder_comes_first(
    code: str, lines: list[int], minors: list[int]
) -> None:
    assert share_minors(lines, CURRENCIES[code]) == minors
