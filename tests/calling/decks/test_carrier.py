"""A carrier's sheet: country and area codes joined, its own names and dates read."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calling.decks.record import BadDeck, Hints, RateIn
from calling.decks.registry import PROFILES
from tests.calling.decks.reading import facts, read, zipped

SHEET = "Destination,Country Code,City/Area codes,Rate,Effective Date,Min/Inc,Change\n"


def test_the_country_s_code_is_joined_with_every_area() -> None:
    good, bad = read(
        "carrier",
        f"{SHEET}Japan,81,,0.02,2026-12-01,60/60,N\n"
        'Japan Mobile,81,"70,80,90-93",0.11,2026-12-01,30/6,I\n'
        "Bahamas,1-242,,0.3,2026-12-01,1,\n",
        Hints(time_zone="Asia/Taipei"),
    )
    assert bad == []
    assert [rate.prefix for rate in good] == [
        "81",
        *["8170", "8180", "8190", "8191", "8192", "8193"],
        "1242",
    ]
    assert facts(good[1]) == ("8170", 110_000, 0, 30, 6)
    assert facts(good[-1])[3:] == (1, 1)
    assert {rate.country for rate in good} == {"JP", "BS"}
    assert good[0].valid_from is not None
    assert good[0].valid_from.isoformat() == "2026-11-30T16:00:00+00:00"
    assert good[1].unmapped == {"change": "I"}


def test_closed_and_blocked_rows_need_no_price() -> None:
    good, bad = read("carrier", f"{SHEET}A,81,,,,,C\nB,82,,,,,B\nD,83,,0.1,,,D\n")
    assert bad == []
    assert [(rate.is_closed, rate.is_blocked) for rate in good] == [
        (True, False),
        (False, True),
        (False, False),
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('A,81,"70,8.1E+02",0.1,,,', "area codes 8.1E+02 was changed by a spreadsheet"),
        ("A,81,4-Mar,0.1,,,", "area codes 4-Mar was changed by a spreadsheet"),
        ('A,81,"70,+90",0.1,,,', "area codes +90 is not an area code."),
        ("A,81,90-7,0.1,,,", "area codes 8190-817 is not a prefix of digits."),
        ("A,81,10000-99999,0.1,,,", "area codes stands for more than 10,000"),
        ("A,81|82,70,0.1,,,", "country code is more than one, beside area codes."),
        ("A,81,,0.1,01/02/2026,,", "effective_date 01/02/2026 is not a date such as"),
        ("A,81,,0.1,,01-Jan,", "steps 01-Jan was changed by a spreadsheet"),
        ("A,81,,0.1,,60/0,", "steps 0 is not a number of seconds."),
        ("A,81,,0.1,,,Q", "change q is not known."),
        ("A,81,,,,,I", "rate (empty) is not an amount"),
    ],
)
def test_a_bad_row_is_named(row: str, reason: str) -> None:
    good, bad = read("carrier", f"{SHEET}B,44,,0.1,,,\n{row}\n")
    assert [rate.prefix for rate in good] == ["44"]
    assert bad[0][0] == 3
    assert bad[0][1].startswith(reason)


def test_the_supplier_s_own_names_charset_and_dates() -> None:
    hints = Hints(
        charset="gb18030",
        date_format="%d/%m/%Y",
        decimal_comma=True,
        columns={
            "destination": "地区",
            "country_code": "前缀",
            "rate": "费率",
            "effective_date": "生效",
        },
    )
    raw = "地区\t前缀\t费率\t生效\n日本\t0081\t0,021\t01/02/2026\n".encode("gb18030")
    (rate,), bad = read("carrier", raw, hints)
    assert (rate.destination, rate.prefix, rate.rate_per_minute) == (
        "日本",
        "81",
        21_000,
    )
    assert rate.valid_from is not None
    assert (rate.valid_from.month, rate.valid_from.day) == (2, 1)
    assert bad == []


def test_bytes_that_are_not_of_the_charset_spoil_their_row() -> None:
    raw = SHEET.encode() + b"\xff\xff,81,,0.1,,,\nUK,44,,0.1,,,\n"
    good, bad = read("carrier", raw, Hints(charset="big5"))
    assert [rate.prefix for rate in good] == ["44"]
    assert bad[0][0] == 2


def test_a_sheet_with_other_names_asks_for_a_mapping() -> None:
    with pytest.raises(BadDeck, match="map the sheet's columns"):
        read("carrier", "Zielland,Vorwahl,Preis\nJapan,81,1\n")


@given(
    profile=st.sampled_from(sorted(set(PROFILES) - {"cgrates"})),
    raw=st.binary(max_size=200),
)
def test_r10_any_bytes_are_rates_errors_or_a_refusal(profile: str, raw: bytes) -> None:
    try:
        good, _bad = read(profile, SHEET.encode() + raw)
    except BadDeck:
        return
    assert all(isinstance(rate, RateIn) for rate in good)


@given(st.binary(max_size=300))
def test_r10_any_bytes_in_a_plan_of_cgrates(raw: bytes) -> None:
    names = ("Destinations", "Rates", "DestinationRates", "RatingPlans")
    text = raw.decode("latin-1")
    with suppress(BadDeck):
        read("cgrates", zipped({f"{name}.csv": text for name in names}))
