"""A tariff plan of CGRateS in a ZIP, joined, normalised, or refused (rule 6.1)."""

from pathlib import Path

import pytest

from calling.decks.record import BadDeck, Hints
from calling.management.commands.import_rates import read_file
from tests.calling.decks.reading import facts, read, zipped

DESTINATIONS = "#Id,Prefix\nJP,81\nJP_MOBILE,+8170\nJP_MOBILE,8180-8182\nDE,49\n"
RATES = """#Id,ConnectFee,Rate,RateUnit,RateIncrement,GroupIntervalStart
R_JP,0.01,0.02,60s,60s,0s
R_JP,0,0.02,60s,6s,60s
R_MOBILE,0,0.001,1s,1s,0s
R_STEP,0.4,0.2,60s,60s,0s
R_STEP,0,0.1,60s,1s,60s
"""
DESTINATION_RATES = """\
#Id,DestinationId,RatesTag,RoundingMethod,RoundingDecimals,MaxCost,MaxCostStrategy
DR,JP,R_JP,*middle,4,0,
DR,JP_MOBILE,R_MOBILE,*middle,4,0,
DR,DE,R_STEP,*middle,4,0,
"""
PLANS = "#Id,DestinationRatesId,TimingTag,Weight\nRP,DR,*any,10\n"
SHEETS = {
    "Destinations.csv": DESTINATIONS,
    "Rates.csv": RATES,
    "DestinationRates.csv": DESTINATION_RATES,
    "RatingPlans.csv": PLANS,
    "RatingProfiles.csv": "cgrates.org,call,*any,2014-01-14T00:00:00Z,RP,\n",
}


def test_the_five_files_become_one_deck() -> None:
    good, bad = read("cgrates", zipped({f"plan/{n}": t for n, t in SHEETS.items()}))
    assert bad == []
    assert [facts(rate) for rate in good] == [
        ("81", 20_000, 10_000, 60, 6),
        *[(prefix, 60_000, 0, 1, 1) for prefix in ("8170", "8180", "8181", "8182")],
        # 0.4 + 0.2 for the first minute is 0.5 + 0.1 + whatever follows at 0.1
        ("49", 100_000, 500_000, 60, 1),
    ]
    assert good[1].destination == "JP_MOBILE"


def test_files_without_their_header_are_read_in_the_fixed_order() -> None:
    bare = {name: text.partition("\n")[2] for name, text in SHEETS.items()}
    bare["RatingProfiles.csv"] = SHEETS["RatingProfiles.csv"]
    good, bad = read("cgrates", zipped(bare))
    assert len(good) == 6
    assert bad == []


@pytest.mark.parametrize(
    ("name", "old", "new", "reason"),
    [
        ("RatingPlans.csv", "*any", "PEAK", "timing PEAK is not *any."),
        ("RatingPlans.csv", ",DR,", ",XX,", "there are no rates XX."),
        ("DestinationRates.csv", "R_JP,*middle", "R_JP,*up", "rounding *up is not"),
        ("DestinationRates.csv", "R_JP,*middle,4,0", "R_JP,*middle,4,9", "maxcost 9"),
        ("DestinationRates.csv", "DR,JP,", "DR,*any,", "destination *any has no pre"),
        ("Rates.csv", "0.02,60s,60s,0s", "0.02,7s,60s,0s", "rates R_JP: a rate for 7"),
        ("Rates.csv", "60s,6s,60s", "60s,6s,30s", "rates R_JP: the second group does"),
        (
            "Rates.csv",
            "60s,60s,0s\nR_JP",
            "60s,60s,5s\nR_JP",
            "rates R_JP: the first g",
        ),
        ("Rates.csv", "0.02,60s,6s", "0.04,60s,6s", "rates R_JP: the first 60 seconds"),
        ("Rates.csv", "R_JP,0,0.02", "R_JP,1,0.02", "rates R_JP: connectfee 1 cannot"),
        (
            "Rates.csv",
            "R_JP,0,0.02,60s,6s",
            "R_JP,0,0.02,60,6s",
            "rates R_JP: rateunit",
        ),
        ("Destinations.csv", "JP,81\n", "JP,!81\n", "prefix !81 is not a prefix"),
    ],
)
def test_what_is_refused_names_its_file_and_line(
    name: str, old: str, new: str, reason: str
) -> None:
    assert SHEETS[name].count(old) >= 1
    sheets = {**SHEETS, name: SHEETS[name].replace(old, new, 1)}
    good, bad = read("cgrates", zipped(sheets))
    assert "81" not in {rate.prefix for rate in good}
    assert len(bad) == 1
    assert bad[0][0] == 2
    assert reason in bad[0][1]
    assert bad[0][1].partition(":")[0].endswith(".csv")


def test_a_timing_that_is_always_is_as_good_as_any() -> None:
    sheets = {
        **SHEETS,
        "RatingPlans.csv": PLANS.replace("*any", "ALWAYS"),
        "Timings.csv": "ALWAYS,*any,*any,*any,*any,00:00:00\n",
    }
    good, bad = read("cgrates", zipped(sheets))
    assert len(good) == 6
    assert bad == []


def test_one_of_several_plans_is_named() -> None:
    sheets = {**SHEETS, "RatingPlans.csv": f"{PLANS}OTHER,DR,PEAK,10\n"}
    assert len(read("cgrates", zipped(sheets))[0]) == 6
    del sheets["RatingProfiles.csv"]
    with pytest.raises(BadDeck, match="OTHER, RP"):
        read("cgrates", zipped(sheets))
    assert len(read("cgrates", zipped(sheets), Hints(plan="RP"))[0]) == 6
    with pytest.raises(BadDeck, match="Name one"):
        read("cgrates", zipped(sheets), Hints(plan="XX"))


def test_a_file_that_is_missing_is_named() -> None:
    sheets = {name: text for name, text in SHEETS.items() if name != "Rates.csv"}
    with pytest.raises(BadDeck, match=r"no Rates\.csv"):
        read("cgrates", zipped(sheets))


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"no zip", "not a ZIP"),
        (zipped({f"{n}.txt": "" for n in range(300)}), "more than 200"),
        (zipped({"a/Rates.csv": "", "b/Rates.csv": ""}), "holds Rates.csv twice"),
        (zipped({"Rates.csv": "0" * 3_000_000}), "packed too tightly"),
        (zipped(SHEETS)[:400], "not a ZIP"),
    ],
)
def test_a_zip_is_not_trusted(raw: bytes, sentence: str) -> None:
    with pytest.raises(BadDeck, match=sentence):
        read("cgrates", raw)


def test_a_folder_is_as_good_as_its_zip(tmp_path: Path) -> None:
    for name, text in SHEETS.items():
        (tmp_path / name).write_text(text)
    assert read("cgrates", read_file(tmp_path)) == read("cgrates", zipped(SHEETS))
