"""The longest prefix wins; three implementations agree (rule 6.1)."""

import json
from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from django.db import connection
from django.db.models import F, Value
from django.db.models.functions import Length
from hypothesis import given
from hypothesis import strategies as st

from calling.models import Rate, RateCardVersion
from calling.rate_table import Period, RateTable, rate_table
from tests.calling.telephony import make_card
from tests.calling.test_rate import rate

AT = datetime(2026, 3, 1, tzinfo=UTC)
DIGITS = st.text("0123456789", min_size=1, max_size=8)
PREFIXES = st.sets(DIGITS, min_size=1, max_size=60)


def table_of(*prefixes: str, periods: dict[str, Period] | None = None) -> RateTable:
    return RateTable(1, [rate(prefix=prefix) for prefix in prefixes], periods)


def found_by(table: RateTable, number: str, at: datetime = AT) -> str:
    found = table.find(number, at)
    return found.prefix if found else ""


class ByIntervals:
    """Every prefix is a range of numbers; the innermost range around it wins."""

    def __init__(self, prefixes: set[str], width: int = 16) -> None:
        self.width = width
        self.owner_from: list[tuple[str, str]] = []
        edges = {("0" * width, "")}
        for prefix in prefixes:
            edges.add((prefix.ljust(width, "0"), prefix))
            after = str(int(prefix) + 1)
            if len(after) <= len(prefix):
                edges.add((after.zfill(len(prefix)).ljust(width, "0"), ""))
        starts = sorted({start for start, _ in edges})
        self.starts = starts
        self.owners = [self._innermost(start, prefixes) for start in starts]

    def _innermost(self, start: str, prefixes: set[str]) -> str:
        fits = [prefix for prefix in prefixes if start.startswith(prefix)]
        return max(fits, key=len, default="")

    def find(self, digits: str) -> str:
        place = bisect_right(self.starts, digits.ljust(self.width, "0")) - 1
        return self.owners[place]


@given(prefixes=PREFIXES, number=st.text("0123456789", min_size=9, max_size=15))
def test_the_table_agrees_with_intervals(prefixes: set[str], number: str) -> None:
    table = table_of(*prefixes)
    assert found_by(table, "+" + number) == ByIntervals(prefixes).find(number)


@given(prefixes=PREFIXES, number=st.text("0123456789", min_size=9, max_size=15))
def test_the_table_agrees_with_a_search_of_every_prefix(
    prefixes: set[str], number: str
) -> None:
    fits = [prefix for prefix in prefixes if number.startswith(prefix)]
    table = table_of(*prefixes)
    assert found_by(table, "+" + number) == max(fits, key=len, default="")


@pytest.mark.django_db
def test_the_table_agrees_with_sql() -> None:
    prefixes = ["1", "44", "447", "4475", "447500", "81", "8190", "819", "7"]
    version = make_card([{"prefix": prefix} for prefix in prefixes])
    table = rate_table(version.pk, version.digest)
    numbers = [f"{prefix}{rest}" for prefix in prefixes for rest in ("55501", "0", "9")]
    for number in [*numbers, "33123", "2"]:
        assert found_by(table, "+" + number) == _by_sql(version, number)


@pytest.mark.django_db
def test_three_implementations_agree_on_ten_thousand_numbers() -> None:
    """In memory, by intervals, and by the database: one prefix a number."""
    random = Random(447500)
    prefixes = {
        str(random.randrange(10 ** (length - 1), 10**length))
        for length in (1, 2, 3, 4, 5, 6, 7)
        for _ in range(120)
    }
    # Half of the numbers continue a prefix: elsewhere the short ones would win.
    heads = sorted(prefixes)
    numbers = [
        (random.choice(heads) if place % 2 else "")
        + str(random.randrange(10**10, 10**11))
        for place in range(10_000)
    ]
    version = make_card([{"prefix": prefix} for prefix in heads])
    table = rate_table(version.pk, version.digest)
    by_table = [found_by(table, f"+{number}"[:16]) for number in numbers]
    intervals = ByIntervals(prefixes)
    assert by_table == [intervals.find(number) for number in numbers]
    assert by_table == _all_by_sql(version, numbers)
    assert len(set(by_table)) > 600


def _all_by_sql(version: RateCardVersion, numbers: list[str]) -> list[str]:
    """The longest prefix of each number in one statement, looked up by its heads."""
    rows = (
        "SELECT value, ordinality FROM "
        "jsonb_array_elements_text(%s::jsonb) WITH ORDINALITY"
        if connection.vendor == "postgresql"
        else "SELECT value, key AS ordinality FROM json_each(%s)"
    )
    heads = ", ".join(f"substr(value, 1, {length})" for length in range(1, 16))
    statement = (
        "SELECT (SELECT prefix FROM calling_rate WHERE version_id = %s "
        f"AND prefix IN ({heads}) ORDER BY length(prefix) DESC LIMIT 1) "
        f"FROM ({rows}) numbers ORDER BY ordinality"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [version.pk, json.dumps(numbers)])
        return [prefix or "" for (prefix,) in cursor.fetchall()]


def _by_sql(version: RateCardVersion, number: str) -> str:
    fits = (
        Rate.objects.filter(version=version)
        .annotate(number=Value(number))
        .filter(number__startswith=F("prefix"))
    )
    longest = fits.order_by(Length("prefix").desc()).first()
    return longest.prefix if longest else ""


def test_447500_is_not_447() -> None:
    table = table_of("44", "447", "447500")
    assert found_by(table, "+447500123456") == "447500"
    assert found_by(table, "+447501123456") == "447"
    assert found_by(table, "+442071234567") == "44"
    assert found_by(table, "+33123456789") == ""


def test_a_rate_with_dates_of_its_own_holds_within_them() -> None:
    tomorrow = AT + timedelta(days=1)
    table = table_of("81", "8190", periods={"8190": Period(tomorrow, None)})
    assert found_by(table, "+819012345678", AT) == "81"
    assert found_by(table, "+819012345678", tomorrow) == "8190"
    ending = table_of("81", "8190", periods={"8190": Period(None, tomorrow)})
    assert found_by(ending, "+819012345678", AT) == "8190"
    assert found_by(ending, "+819012345678", tomorrow) == "81"


def test_a_masked_number_is_ambiguous_only_if_the_price_may_differ() -> None:
    table = RateTable(
        1,
        [
            rate(prefix="44"),
            rate(prefix="4420", rate_per_minute=21_000),
            rate(prefix="447500", rate_per_minute=99_000),
        ],
    )
    found = table.find("+44", AT)
    assert found is not None
    assert table.is_ambiguous("+4475", found)
    assert not table.is_ambiguous("+442", found)
    assert not table.is_ambiguous("+4476", found)


@pytest.mark.django_db
def test_another_version_is_another_table() -> None:
    first = make_card([{"prefix": "81", "rate": "1"}])
    second = make_card([{"prefix": "81", "rate": "2"}])
    prices = [
        rate_table(version.pk, version.digest).rates["81"].rate_per_minute
        for version in (first, second)
    ]
    assert prices == [1_000_000, 2_000_000]
