"""Decks in: good rows kept, bad ones named with line and reason (rule 6.1)."""

import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Organisation
from calling.catalogue import seed_catalogue
from calling.decks import acs, tollgate
from calling.decks.record import BadDeck, DeckError, DeckRow, RateIn
from calling.import_rates import ImportedRates, import_rates
from calling.models import (
    CallingPlan,
    DeckMapping,
    Rate,
    RateCard,
    RateCardVersion,
    RejectedRow,
)
from tests.makers import START

HEADER = (
    "prefix,destination,country,currency,rate_per_minute,connect_fee,interval_1,"
    "interval_n,min_charge,effective_from,effective_to,direction,number_type,blocked"
)
DECK = f"""{HEADER}
81,Japan,JP,USD,0.0210,0,60,60,0,2026-01-01T00:00:00Z,,out,fixed,0
8170|8180|8190,Japan Mobile,JP,USD,0.1100,0,30,6,0,2026-01-01T00:00:00Z,,out,mobile,0
1900,USA Premium,US,USD,0,0,60,60,0,2026-01-01T00:00:00Z,,out,premium,1
"""
SMALL = "prefix,destination,rate_per_minute\n"


def import_(raw: str | bytes, **more: Any) -> ImportedRates:
    facts: dict[str, Any] = {
        "card_name": "Standard",
        "currency": "USD",
        "purpose": "calling",
        "at": START,
        "origin": "deck.csv",
    }
    data = raw.encode() if isinstance(raw, str) else raw
    return import_rates(data, **{**facts, **more})


def rows_of(raw: str | bytes) -> list[DeckRow]:
    data = raw.encode() if isinstance(raw, str) else raw
    return list(tollgate.parse(data, "USD", "calling"))


def reasons_of(raw: str | bytes) -> list[tuple[int, str]]:
    rows = rows_of(raw)
    return [(row.line, row.reason) for row in rows if isinstance(row, DeckError)]


def counts(result: ImportedRates) -> tuple[int, int, int, int, int]:
    return (
        result.version,
        result.new,
        result.changed,
        result.removed,
        result.rejected.total,
    )


# --- reading --------------------------------------------------------------------------


def test_the_canonical_deck_is_read() -> None:
    japan, *mobile, premium = (row for row in rows_of(DECK) if isinstance(row, RateIn))
    assert (japan.prefix, japan.rate_per_minute, japan.number_type) == (
        "81",
        21_000,
        "fixed",
    )
    assert [rate.prefix for rate in mobile] == ["8170", "8180", "8190"]
    assert {(rate.interval_1, rate.interval_n) for rate in mobile} == {(30, 6)}
    assert premium.is_blocked
    assert japan.valid_from == START


@pytest.mark.parametrize(
    ("cell", "prefixes"),
    [
        ("+81", ["81"]),
        ("0081", ["81"]),
        ("8190-8193", ["8190", "8191", "8192", "8193"]),
        ("81|8190-8191", ["81", "8190", "8191"]),
    ],
)
def test_lists_and_ranges_are_expanded(cell: str, prefixes: list[str]) -> None:
    rows = rows_of(f"{SMALL}{cell},Japan,0.1\n")
    assert [row.prefix for row in rows if isinstance(row, RateIn)] == prefixes


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("8.1E+02,Japan,0.1", "prefix 8.1E+02 was changed by a spreadsheet"),
        ("12-Mar,Japan,0.1", "prefix 12-Mar was changed by a spreadsheet"),
        ("2026-03-12,Japan,0.1", "prefix 2026-03-12 was changed by a spreadsheet"),
        ("8x1,Japan,0.1", "prefix 8x1 is not a prefix of digits."),
        (",Japan,0.1", "prefix is missing."),
        ("1234567890123456,Japan,0.1", "prefix 1234567890123456 is not a prefix"),
        ("0-99999,Japan,0.1", "prefix 0-99999 is not a prefix of digits."),
        ("03,Tokyo,0.1", "prefix 03 has no country code."),
        ("10000-99999,Japan,0.1", "prefix stands for more than 10,000 of them."),
        ("9-1,Japan,0.1", "prefix 9-1 is not a prefix of digits."),
        ("81,,0.1", "destination is missing."),
        ("81,Japan,", "rate_per_minute (empty) is not an amount such as 0.0210."),
        ("81,Japan,-0.1", "rate_per_minute -0.1 is not an amount"),
        ("81,Japan,abc", "rate_per_minute abc is not an amount"),
        ("81,Japan,1e5", "rate_per_minute 1e5 is not an amount"),
        ("81,Japan,NaN", "rate_per_minute NaN is not an amount"),
        ("81,Japan,0.0000001", "rate_per_minute 0.0000001 has more than six"),
        ("81,Japan,9999999", "rate_per_minute 9999999 is too high to be meant."),
        ("81,=HYPERLINK(1),0.1", "The cell =HYPERLINK(1) is a spreadsheet formula."),
        ("81,@SUM(1),0.1", "The cell @SUM(1) is a spreadsheet formula."),
        ("81,Japan,0.1,9", "The row has 4 cells and the header has 3."),
        (f"81,{'x' * 10_001},0.1", "A cell is longer than 10,000 characters."),
        (f"81,{'x' * 200_000},0.1", "A cell is longer than 10,000 characters."),
        ("81,Ja\x00pan,0.1", "The row has a zero character in it."),
    ],
)
def test_a_bad_row_is_named_and_its_neighbours_stay(row: str, reason: str) -> None:
    rows = rows_of(f"{SMALL}44,UK,0.1\n{row}\n33,France,0.1\n")
    good = [found.prefix for found in rows if isinstance(found, RateIn)]
    (bad,) = (found for found in rows if isinstance(found, DeckError))
    assert good == ["44", "33"]
    assert bad.line == 3
    assert bad.reason.startswith(reason)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("currency", "EUR", "currency EUR is not the card's currency USD."),
        ("direction", "in", "direction in does not belong on this card."),
        ("country", "Japan", "country JAPAN is not a country code of two letters."),
        ("number_type", "pager", "number_type pager is not one of"),
        ("interval_1", "0", "interval_1 0 is not a number of seconds."),
        ("interval_n", "-6", "interval_n -6 is not a number of seconds."),
        ("connect_fee", "x", "connect_fee x is not an amount"),
        ("blocked", "maybe", "blocked maybe is neither 0 nor 1."),
        ("effective_from", "soon", "effective_from soon is not a time"),
        ("effective_from", "2026-01-01", "effective_from 2026-01-01 is not a time"),
    ],
)
def test_each_column_is_checked(column: str, value: str, reason: str) -> None:
    ((_, found),) = reasons_of(f"{SMALL[:-1]},{column}\n81,Japan,0.1,{value}\n")
    assert found.startswith(reason)


def test_a_period_must_not_end_before_it_begins() -> None:
    period = "2026-02-01T00:00:00Z,2026-01-01T00:00:00Z"
    raw = f"{SMALL[:-1]},effective_from,effective_to\n81,Japan,0.1,{period}\n"
    assert reasons_of(raw) == [(2, "effective_to is not after effective_from.")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiter_and_mark_are_told_from_the_file(
    delimiter: str, encoding: str
) -> None:
    raw = DECK.replace(",", delimiter).replace("Japan,", "日本,").encode(encoding)
    assert len([row for row in rows_of(raw) if isinstance(row, RateIn)]) == 5


def test_gbk_spoils_its_own_row_alone() -> None:
    raw = SMALL.encode() + "81,日本,0.1\n".encode("gbk") + b"44,UK,0.1\n"
    assert reasons_of(raw) == [(2, "The row is not UTF-8; save the file as UTF-8.")]
    assert len(rows_of(raw)) == 2


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ("", "The file is empty."),
        ("\n\n", "The file is empty."),
        ("destination,rate_per_minute\n", "The column prefix is missing"),
        ("prefix,destination\n", "The column rate_per_minute is missing"),
        ("prefix,prefix,destination,rate_per_minute\n", "prefix is in the header twi"),
        (b"\xff\xfe\x00", "The file says it is UTF-16 and is not."),
    ],
)
def test_a_file_that_is_no_deck_is_refused_as_a_whole(
    raw: str | bytes, sentence: str
) -> None:
    with pytest.raises(BadDeck, match=sentence):
        rows_of(raw)


def test_quoted_cells_stray_delimiters_and_short_rows() -> None:
    raw = f'{SMALL}81,"Japan, all of\nit",0.1,\n\n,,\n44,UK,0.2\n'
    rows = rows_of(raw)
    assert [(row.line, getattr(row, "prefix", "")) for row in rows] == [
        (2, "81"),
        (6, "44"),
    ]


@given(st.binary(max_size=300))
def test_r10_any_bytes_become_rates_or_errors(raw: bytes) -> None:
    for row in rows_of(SMALL.encode() + raw):
        assert isinstance(row, RateIn | DeckError)


def test_the_price_list_of_azure_communication_services() -> None:
    raw = (
        b"Destination Name,Destination Type,Country,Prefix,Price / min\n"
        b"United Kingdom,landline,GB,44,0.013\n"
        b"United Kingdom - Mobile,mobile,GB,447,0.031\n"
        b"United Kingdom - Mobile,mobile,GB,447500,0.341\n"
        b"Bahrain,mixed,BH,973,$0.154\n"
        b"Argentina - Toll Free,non-geographic,AR,54800,0.039\n"
        b"Argentina - Other,non-geographic,AR,54600,0.039\n"
        b"Nowhere,submarine,ZZ,999,0.1\n"
    )
    *good, bad = acs.parse(raw, "USD", "calling")
    assert [row.number_type for row in good if isinstance(row, RateIn)] == [
        "fixed",
        "mobile",
        "mobile",
        "any",
        "tollfree",
        "premium",
    ]
    assert isinstance(bad, DeckError)
    assert bad.reason == "destination type submarine is not known."
    with pytest.raises(BadDeck, match="in USD"):
        acs.parse(raw, "EUR", "calling")


# --- the card -------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_deck_becomes_a_version_of_the_card() -> None:
    assert counts(import_(DECK)) == (1, 5, 0, 0, 0)
    card = RateCard.objects.get()
    assert (card.name, card.currency, card.is_default) == ("Standard", "USD", True)
    assert card.versions.get().rate_count == 5


@pytest.mark.django_db
def test_an_identical_file_makes_no_version() -> None:
    import_(DECK)
    first, *rows = DECK.splitlines()
    again = "\n".join([first, *reversed(rows)])
    assert counts(import_(again)) == (1, 0, 0, 0, 0)
    assert RateCardVersion.objects.count() == 1


@pytest.mark.django_db
def test_the_whole_card_is_replaced() -> None:
    import_(f"{SMALL}81,Japan,0.1\n44,UK,0.1\n33,France,0.1\n")
    result = import_(f"{SMALL}81,Japan,0.2\n44,UK,0.1\n1,USA,0.1\n39,Italy,1\n")
    assert counts(result) == (2, 2, 1, 1, 0)
    assert Rate.objects.filter(version__number=2).count() == 4


@pytest.mark.django_db
def test_a_dry_run_only_says_what() -> None:
    import_(f"{SMALL}81,Japan,0.1\n")
    bad = f"{SMALL}81,Japan,0.2\nx,y,z\n"
    assert counts(import_(bad, dry_run=True)) == (2, 0, 1, 0, 1)
    assert counts(import_(bad, card_name="New", dry_run=True)) == (1, 1, 0, 0, 1)
    assert RateCardVersion.objects.count() == RateCard.objects.count() == 1
    assert not RejectedRow.objects.exists()


@pytest.mark.django_db
def test_a_prefix_twice_is_refused_the_second_time() -> None:
    result = import_(f"{SMALL}81,Japan,0.1\n8190,Mobile,0.2\n0081,Japan again,0.9\n")
    assert [(row.line, row.reason) for row in result.rejected] == [
        (4, "prefix 81 is in line 2 already.")
    ]
    assert Rate.objects.get(prefix="81").rate_per_minute == 100_000


@pytest.mark.django_db
def test_bad_rows_go_to_the_quarantine_once() -> None:
    for _ in range(2):
        import_(f"{SMALL}x,Japan,0.1\n81,Japan,0.1\n")
    row = RejectedRow.objects.get()
    assert (row.origin, row.line, row.body) == ("deck.csv", 2, "x,Japan,0.1")


@pytest.mark.django_db
def test_unmapped_columns_stay_beside_the_row() -> None:
    import_(f"{SMALL[:-1]},supplier,note\n81,Japan,0.1,ACME,\n")
    assert Rate.objects.get().unmapped == {"supplier": "ACME"}


@pytest.mark.django_db
def test_a_card_keeps_its_currency_and_purpose() -> None:
    import_(DECK)
    for more in ({"currency": "EUR"}, {"purpose": "conference"}):
        with pytest.raises(ValidationError, match="is a card in USD"):
            import_(f"{SMALL}81,Japan,0.1\n", **more)
    with pytest.raises(ValidationError, match="not a currency"):
        import_(DECK, currency="XXX")


@pytest.mark.django_db
def test_the_second_card_of_a_currency_is_not_everybodys() -> None:
    import_(DECK)
    import_(f"{SMALL}81,Japan,9\n", card_name="Other")
    assert not RateCard.objects.get(name="Other").is_default


@pytest.mark.django_db
def test_the_demo_catalogue_has_no_bad_row_and_is_seeded_once() -> None:
    seed_catalogue(at=START)
    seed_catalogue(at=START + timedelta(days=1))
    assert not RejectedRow.objects.exists()
    assert RateCardVersion.objects.count() == 3
    families = CallingPlan.objects.values_list("family", "billing_mode")
    assert len(families) == len(set(families)) == 20
    assert {mode for _, mode in families} == {"PREPAID", "NCE"}


# --- the command ----------------------------------------------------------------------


def run(path: Path, *more: str) -> tuple[str, str, int]:
    out, err, code = StringIO(), StringIO(), 0
    arguments = [str(path), "--card", "Standard", "--currency", "usd", *more]
    try:
        call_command("import_rates", *arguments, stdout=out, stderr=err)
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    return out.getvalue(), err.getvalue(), code


@pytest.mark.django_db
def test_the_command_tells_it_as_json(tmp_path: Path) -> None:
    path = tmp_path / "deck.csv"
    path.write_text(DECK)
    out, err, code = run(path, "--valid-from", "2026-02-01", "--json")
    assert (err, code) == ("", 0)
    assert json.loads(out) == {
        "card": "Standard",
        "version": 1,
        "new": 5,
        "changed": 0,
        "removed": 0,
        "rejected": [],
        "rejected_beyond": 0,
    }
    version = RateCardVersion.objects.get()
    assert version.valid_from == datetime(2026, 2, 1, tzinfo=UTC)


@pytest.mark.django_db
def test_the_command_names_each_bad_row_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "deck.csv"
    path.write_text(f"{SMALL}81,Japan,0.1\n8.1E+02,Mobile,1\n81,Twice,1\n")
    out, err, code = run(path, "--json")
    assert code == 2
    assert [row["line"] for row in json.loads(out)["rejected"]] == [3, 4]
    lines = err.splitlines()
    assert [line.rpartition("deck.csv:")[2][:2] for line in lines] == ["3:", "4:"]
    assert Rate.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", "a,b\n1,2\n"])
def test_the_command_refuses_a_file_in_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "deck.csv"
    path.write_text(text)
    out, err, code = run(path)
    assert (out, code, err.count("\n")) == ("", 2, 1)
    assert "Traceback" not in err


@pytest.mark.django_db
def test_the_command_says_when_there_is_no_file(tmp_path: Path) -> None:
    _, err, code = run(tmp_path / "nothing.csv")
    assert code == 2
    assert "cannot be read" in err


@pytest.mark.django_db
def test_a_dry_run_prints_what_changes_and_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "deck.csv"
    import_(f"{SMALL}81,Japan,0.02\n44,UK,0.01\n447500,Mobile,0.3\n1,USA,0.01\n")
    path.write_text(f"{SMALL}81,Japan,0.03\n44,UK,0.005\n39,Italy,0.1\n")
    out, err, code = run(path, "--dry-run", "--json")
    told = json.loads(out)
    assert (err, code) == ("", 0)
    assert (told["new"], told["changed"], told["removed"]) == (1, 2, 2)
    assert (told["dearer"], told["cheaper"], told["unchanged"]) == (1, 1, 0)
    assert told["biggest_increases"] == [
        {
            "prefix": "81",
            "destination": "Japan",
            "three_minutes_before": "0.060000",
            "three_minutes_after": "0.090000",
            "percent": "+50.0",
        }
    ]
    lost = [(one["prefix"], one["falls_to"]) for one in told["prefixes_lost"]]
    assert lost == [("1", None), ("447500", "44")]
    assert told["traffic"]["calls"] == 0
    lines, _, _ = run(path, "--dry-run")
    assert "1 dearer, 1 cheaper, 0 otherwise changed, 0 unchanged." in lines
    assert "Lost: 447500 Mobile, 44 UK stands for it." in lines
    assert "Lost: 1 USA, calls will wait without a rate." in lines
    assert RateCardVersion.objects.count() == 1


@pytest.mark.django_db
def test_changes_are_laid_over_the_card_by_the_command(tmp_path: Path) -> None:
    path = tmp_path / "deck.csv"
    path.write_text(f"{SMALL}81,Japan,0.03\n")
    _, err, code = run(path, "--changes-only")
    assert code == 2
    assert "The card has no rates yet" in err
    import_(f"{SMALL}81,Japan,0.02\n44,UK,0.01\n")
    assert run(path, "--changes-only")[2] == 0
    version = RateCardVersion.objects.get(number=2)
    prices = dict(version.rates.values_list("prefix", "rate_per_minute"))
    assert prices == {"81": 30_000, "44": 10_000}


@pytest.mark.django_db
def test_prices_that_hold_later_wait_in_versions_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "deck.csv"
    dated = SMALL.replace("\n", ",effective_from\n")
    path.write_text(
        f"{dated}81,Japan,0.02,\n44,UK,0.01,\n81,Japan,0.03,2100-01-01T00:00:00Z\n"
    )
    out, err, code = run(path, "--json")
    assert (err, code, json.loads(out)["version"]) == ("", 0, 2)
    later = RateCardVersion.objects.get(number=2)
    assert later.valid_from == datetime(2100, 1, 1, tzinfo=UTC)
    prices = dict(later.rates.values_list("prefix", "rate_per_minute"))
    assert prices == {"81": 30_000, "44": 10_000}
    run(path)
    assert RateCardVersion.objects.count() == 2


@pytest.mark.django_db
def test_a_card_of_one_s_own_and_a_supplier_s_way_of_writing(
    tmp_path: Path, formosa: Organisation
) -> None:
    path = tmp_path / "deck.csv"
    path.write_text("Ziel;Vorwahl;Preis\nJapan;81;0,03\n")
    DeckMapping.objects.create(
        name="ACME",
        decimal_comma=True,
        columns={"destination": "Ziel", "country_code": "Vorwahl", "rate": "Preis"},
    )
    more = ("--organisation", "formosa", "--supplier", "ACME")
    assert run(path, *more)[2] == 0
    card = RateCard.objects.get()
    assert (card.organisation, card.is_default) == (formosa, False)
    assert Rate.objects.get().rate_per_minute == 30_000
    for option, sentence in (
        ("--organisation", "There is no organisation nobody."),
        ("--supplier", "There is no supplier nobody."),
    ):
        _, err, code = run(path, option, "nobody")
        assert code == 2
        assert sentence in err


# --- long decks -----------------------------------------------------------------------


def long_deck(rows: int, *, cents: int = 0) -> bytes:
    """Fifty prefixes to a destination, as price lists have them."""
    return b"".join(
        [
            b"prefix,destination,country,rate_per_minute,connect_fee\n",
            *(
                b"%d,Destination %d,GB,0.%04d,0\n"
                % (1_000_000 + n, n // 50, 1000 + n // 50 % 9000 + cents)
                for n in range(rows)
            ),
        ]
    )


def peak_of(raw: bytes, **more: Any) -> int:
    """The most bytes that an import held at a time, beside the file."""
    tracemalloc.start()
    try:
        import_rates(
            raw, card_name="Long", currency="USD", purpose="conference", **more
        )
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.django_db
def test_of_a_long_deck_only_prefixes_and_prices_are_held() -> None:
    """1,299 bytes a row before; a row of the file has 42."""
    short, long = 2_000, 12_000
    for cents, at in ((0, START), (1, START + timedelta(days=1))):
        peaks = [
            peak_of(long_deck(rows, cents=cents), at=at, dry_run=True)
            for rows in (short, long)
        ]
        assert (peaks[1] - peaks[0]) / (long - short) < 450
        assert peak_of(long_deck(long, cents=cents), at=at) < 500 * long
    assert Rate.objects.count() == 2 * long
    versions = RateCardVersion.objects.values_list("rate_count", flat=True)
    assert list(versions) == [long, long]


def test_a_row_of_a_long_deck_is_read_when_it_is_its_turn() -> None:
    """The file's text is never in memory as a whole."""
    raw = long_deck(20_000)
    tracemalloc.start()
    try:
        count = sum(1 for _ in tollgate.parse(raw, "USD", "conference"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 20_000
    assert peak < len(raw)


@pytest.mark.django_db
def test_very_many_bad_rows_are_counted_and_the_first_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("calling.decks.record.MOST_BAD_ROWS", 3)
    deck = tmp_path / "deck.csv"
    bad = "".join(f"x{n},Nowhere,0.1\n" for n in range(5))
    deck.write_text(f"prefix,destination,rate_per_minute\n{bad}44,Britain,0.1\n")
    out, err, code = run(deck, "--json")
    told = json.loads(out)
    assert (code, told["new"], told["rejected_beyond"]) == (2, 1, 2)
    assert [row["line"] for row in told["rejected"]] == [2, 3, 4]
    assert err.endswith("2 more rows are no rates.\n")
    assert RejectedRow.objects.count() == 3
    assert Rate.objects.get().prefix == "44"
