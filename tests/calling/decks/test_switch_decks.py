"""Each switch's deck: one that is understood, and what is refused in it (rule 6.1)."""

import pytest

from calling.decks.record import BadDeck, Hints
from tests.calling.decks.reading import facts, read

# --- ASTPP ----------------------------------------------------------------------------

ASTPP = (
    "Code,Destination,Connect Cost,Included Seconds,Per Minute Cost,Increment,Prec\n"
)


def test_astpp_one_increment_is_both_intervals() -> None:
    good, bad = read(
        "astpp", f"{ASTPP}81,Japan,0.01,0,0.021,6,0,\n93,Afghan,,,0.3,0,,\n"
    )
    assert [facts(rate) for rate in good] == [
        ("81", 21_000, 10_000, 6, 6),
        ("93", 300_000, 0, 60, 60),
    ]
    assert [rate.country for rate in good] == ["JP", "AF"]
    assert bad == []


def test_astpp_an_initial_increment_of_newer_versions() -> None:
    header = "Code,Destination,Per Minute Cost,Initial Increment,Increment\n"
    good, _ = read("astpp", f"{header}^81.*,Japan,0.06,30,6\n")
    assert facts(good[0]) == ("81", 60_000, 0, 30, 6)


def test_astpp_termination_keeps_what_is_prepended_beside_the_rate() -> None:
    header = '"Code","Prepend","Destination","Per Minute Cost","Increment"\n'
    good, _ = read("astpp", f'{header}1,00,"UNITED STATES",0.01,60,\n')
    assert good[0].unmapped == {"prepend": "00"}


def test_astpp_included_seconds_are_refused() -> None:
    good, bad = read("astpp", f"{ASTPP}81,Japan,0,30,0.02,6,0\n44,UK,0,0.0,0.02,6,0\n")
    assert [rate.prefix for rate in good] == ["44"]
    assert bad[0][0] == 2
    assert bad[0][1].startswith("included seconds 30 cannot be kept")


# --- A2Billing ------------------------------------------------------------------------


def test_a2billing_without_a_header_has_the_three_it_needs() -> None:
    good, bad = read("a2billing", "# ours\n81;Japan;0,0210\n\n44;UK;.012\n")
    assert [facts(rate) for rate in good] == [
        ("81", 21_000, 0, 60, 60),
        ("44", 12_000, 0, 60, 60),
    ]
    assert [rate.line for rate in good] == [2, 4]
    assert bad == []


def test_a2billing_columns_in_the_operator_s_order() -> None:
    hints = Hints(
        header=(
            "dialprefix",
            "destination",
            "rateinitial",
            "connectcharge",
            "initblock",
            "billingblock",
            "startdate",
            "tag",
        ),
        in_cents=True,
        time_zone="Asia/Taipei",
    )
    row = "8190;Mobile;11,5;5;30;0;2026-03-01 00:00:00;gold\n"
    (rate,), bad = read("a2billing", row, hints)
    assert facts(rate) == ("8190", 115_000, 50_000, 30, 1)
    assert rate.valid_from is not None
    assert rate.valid_from.isoformat() == "2026-02-28T16:00:00+00:00"
    assert rate.unmapped == {"tag": "gold"}
    assert bad == []


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("starttime", "480", "starttime and endtime: a rate holds all week."),
        ("endtime", "1080", "starttime and endtime: a rate holds all week."),
        ("stepchargea", "0.1", "stepchargea 0.1 cannot be kept"),
        ("chargeb", "0,2", "chargeb 0,2 cannot be kept"),
        ("billingblockc", "6", "billingblockc 6 cannot be kept"),
        ("disconnectcharge", "1", "disconnectcharge 1 cannot be kept"),
        ("rounding_threshold", "5", "rounding_threshold 5 cannot be kept"),
        ("additional_block_charge", "1", "additional_block_charge 1 cannot be kept"),
        ("startdate", "01/03/2026", "startdate 01/03/2026 is not a date"),
    ],
)
def test_a2billing_what_a_rate_cannot_say_is_refused(
    column: str, value: str, reason: str
) -> None:
    header = f"dialprefix;destination;rateinitial;{column}\n"
    good, bad = read("a2billing", f"{header}81;Japan;1;{value}\n44;UK;1;\n")
    assert [rate.prefix for rate in good] == ["44"]
    ((line, found),) = bad
    assert line == 2
    assert found.startswith(reason)


def test_a2billing_a_whole_week_is_all_week() -> None:
    header = "dialprefix;destination;rateinitial;starttime;endtime;stepchargea\n"
    good, bad = read("a2billing", f"{header}81;Japan;1;0;10079;0.00\n")
    assert len(good) == 1
    assert bad == []


# --- Kazoo ----------------------------------------------------------------------------

KAZOO = (
    "prefix,rate_cost,iso_country_code,description,direction,rate_increment,"
    "rate_minimum,rate_surcharge,rate_nocharge_time,ratedeck_id,pvt_rate_cost\n"
)


def test_kazoo_the_provider_s_cost_stays_apart() -> None:
    good, bad = read("kazoo", f"{KAZOO}81,0.021,JP,Japan,outbound,6,30,0.01,,a,0.009\n")
    assert facts(good[0]) == ("81", 21_000, 10_000, 30, 6)
    assert good[0].unmapped == {"ratedeck_id": "a", "pvt_rate_cost": "0.009"}
    assert bad == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("81,0.02,JP,Japan,inbound,,,,,a,", "direction inbound does not belong"),
        ("81,0.02,JP,Japan,outbound,,,,5,a,", "rate_nocharge_time 5 cannot be kept"),
        ("81,0.02,JP,Japan,outbound,,,,,b,", "ratedeck_id b is another deck than a."),
        ("81,,JP,Japan,outbound,,,,,a,", "rate_cost (empty) is not an amount"),
    ],
)
def test_kazoo_what_does_not_belong_is_refused(row: str, reason: str) -> None:
    good, bad = read("kazoo", f"{KAZOO}44,0.01,GB,UK,outbound,,,,,a,\n{row}\n")
    assert [rate.prefix for rate in good] == ["44"]
    assert bad[0][0] == 3
    assert bad[0][1].startswith(reason)


def test_kazoo_inbound_rates_belong_on_a_toll_free_card() -> None:
    row = '1800,0.02,US,Toll-free,"[""inbound""]",,,,,a,\n'
    good, bad = read("kazoo", KAZOO + row, purpose="toll_free_in")
    assert len(good) == 1
    assert bad == []


# --- Yeastar --------------------------------------------------------------------------

YEASTAR = """\
Name,Match Prefix,Number Length,Rate,Billable Unit(s),Initial Time(s),Initial Cost
"""


def test_yeastar_a_price_per_unit_becomes_one_per_minute() -> None:
    good, bad = read(
        "yeastar",
        f"{YEASTAR}Japan,0081,13,0.01,6,0,0.05\n"
        "UK,44,,0.3,60,120,0.7\n"
        "TW,886,20,0.1,60,,\n",
    )
    assert [facts(rate) for rate in good] == [
        ("81", 100_000, 50_000, 6, 6),
        ("44", 300_000, 100_000, 120, 60),
        ("886", 100_000, 0, 60, 60),
    ]
    # What is dialled has two digits more than the number it reaches.
    assert [rate.longest_number for rate in good] == [11, None, None]
    assert bad == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("A,81,,0.01,7,,", "rate for 7 seconds has no exact price per minute."),
        ("A,81,,0.3,60,60,0", "the first 60 seconds cost less than the rate says"),
        ("A,81,1,0.3,60,,", "number length 1 is no length of such a number."),
        ("A,,,0.3,60,,", "match prefix is missing."),
        ("A,81,,0.3,0,,", "billable unit(s) 0 is not a number of seconds."),
    ],
)
def test_yeastar_what_is_not_exact_is_refused(row: str, reason: str) -> None:
    good, bad = read("yeastar", f"{YEASTAR}{row}\n")
    assert good == []
    assert bad[0][1].startswith(reason)


# --- whole files ----------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["astpp", "kazoo", "yeastar", "carrier"])
def test_another_s_file_is_refused_as_a_whole(profile: str) -> None:
    with pytest.raises(BadDeck):
        read(profile, "one,two\n1,2\n")
    with pytest.raises(BadDeck, match="not the whole of it"):
        read(profile, b"PK\x03\x04 a workbook")
