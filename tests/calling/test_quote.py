"""A quote is what the charge will be, since both ask the same functions."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Organisation
from calling.models import Bucket, Charge, Line, MinutePool, Source
from calling.quote import NotRated, quote
from credits.models import LedgerEntry
from tests import makers
from tests.calling.telephony import (
    LATER,
    MORNING,
    charge_of,
    give_credit,
    give_plan,
    make_card,
    make_line,
    make_record,
    take_in,
)

pytestmark = pytest.mark.usefixtures("card")

MEI = "+886223456789"
CALLS = [
    ("+81312345678", 61),
    ("+819012345678", 123),
    ("+447500123456", 5),
    ("+886212345678", 200),
    ("+886204123456", 30),
    ("+886800123456", 30),
    ("119", 30),
]


@pytest.mark.usefixtures("mei")
@pytest.mark.parametrize(("callee", "seconds"), CALLS)
@pytest.mark.parametrize("credit", ["0.01", "50"])
def test_b18_quote_equals_charge(
    *,
    pbx: Source,
    formosa: Organisation,
    mei: Line,
    callee: str,
    seconds: int,
    credit: str,
) -> None:
    give_plan(mei, {Bucket.DOMESTIC: 2})
    give_credit(formosa, credit)
    quoted = quote(caller=MEI, callee=callee, seconds=seconds, at=MORNING)
    is_number = callee.startswith("+")
    take_in(
        pbx,
        make_record(
            "a",
            callee=callee if is_number else None,
            callee_raw=callee,
            kind="" if is_number else "emergency",
            seconds=seconds,
        ),
        at=MORNING,
    )
    charge = charge_of("a")
    assert quoted.kind == charge.kind
    assert (quoted.billed_seconds, quoted.cost) == (
        charge.billed_seconds,
        charge.rated_amount,
    )
    parts = {part.source: (part.seconds, part.amount) for part in quoted.paid_by}
    for source in ("pool", "credit", "postpaid", "debt"):
        charged = (
            getattr(charge, f"{source}_seconds"),
            getattr(charge, f"{source}_amount"),
        )
        assert parts.get(source, (0, 0)) == charged


@pytest.mark.usefixtures("mei")
def test_a_quote_writes_nothing(formosa: Organisation, mei: Line) -> None:
    give_plan(mei, {Bucket.INTERNATIONAL: 5})
    give_credit(formosa, "1")
    entries = LedgerEntry.objects.count()
    found = quote(caller=MEI, callee="+81312345678", seconds=60, at=MORNING)
    assert [part.source for part in found.paid_by] == ["pool"]
    assert not MinutePool.objects.exists()
    assert not Charge.objects.exists()
    assert LedgerEntry.objects.count() == entries


def test_without_an_organisation_only_the_price_is_known() -> None:
    found = quote(caller="+12125550100", callee="+819012345678", seconds=60, at=MORNING)
    assert (found.cost, found.currency, found.paid_by) == (110_000, "USD", [])
    make_card([{"prefix": "1"}], name="Euro", currency="EUR")
    with pytest.raises(NotRated, match="Name an organisation"):
        quote(caller="+12125550100", callee="+81312345678", seconds=60, at=MORNING)


@pytest.mark.parametrize("callee", ["+33123456789", "+19005550100", "1234"])
def test_what_would_wait_is_not_quoted(callee: str, formosa: Organisation) -> None:
    with pytest.raises(NotRated):
        quote(caller=MEI, callee=callee, seconds=60, at=MORNING, organisation=formosa)


def test_what_names_no_number_at_all_is_not_quoted() -> None:
    with pytest.raises(NotRated):
        quote(caller="once", callee="once", seconds=100, at=MORNING)


def test_a_new_price_counts_from_its_first_moment(formosa: Organisation) -> None:
    from_then = MORNING + timedelta(hours=1)
    make_card([{"prefix": "81", "rate": "9"}], valid_from=from_then)
    costs = [
        quote(
            caller=MEI, callee="+81312345678", seconds=60, at=at, organisation=formosa
        ).cost
        for at in (from_then - timedelta(seconds=1), from_then)
    ]
    assert costs == [21_000, 9_000_000]


def test_an_organisation_s_own_card_comes_first(
    formosa: Organisation, contoso: Organisation
) -> None:
    make_card([{"prefix": "81", "rate": "0.5"}], name="Own", organisation=formosa)
    costs = [
        quote(
            caller=MEI, callee="+81312345678", seconds=60, at=LATER, organisation=who
        ).cost
        for who in (formosa, contoso)
    ]
    assert costs == [500_000, 21_000]


def told(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("quote", *arguments, "--json", stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


@pytest.mark.usefixtures("mei")
def test_the_command_tells_it_as_json(formosa: Organisation) -> None:
    give_credit(formosa, "0.1")
    answer = told(
        "--from", MEI, "--to", "+819012345678", "--seconds", "123", "--at", "2026-03-10"
    )
    assert answer == {
        "prefix": "8190",
        "destination": "Place 8190",
        "country": "",
        "number_type": "any",
        "kind": "international",
        "rate_per_minute": "0.110000",
        "connect_fee": "0.000000",
        "interval_1": 30,
        "interval_n": 6,
        "billed_seconds": 126,
        "cost": "0.231000",
        "currency": "USD",
        "paid_by": [
            {"source": "credit", "seconds": 54, "amount": "0.100000"},
            {"source": "debt", "seconds": 72, "amount": "0.131000"},
        ],
    }


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--to", "+33123456789"], "The rate card has no rate for this number."),
        (["--to", "+81312345678", "--organisation", "nobody"], "no organisation"),
    ],
)
def test_the_command_says_what_is_wrong(
    formosa: Organisation, mei: Line, more: list[str], sentence: str
) -> None:
    err = StringIO()
    with pytest.raises(SystemExit) as exit_:
        call_command("quote", "--from", MEI, "--seconds", "60", *more, stderr=err)
    assert exit_.value.code == 2
    assert sentence in err.getvalue()
    assert err.getvalue().count("\n") == 1


# --- random calls ---------------------------------------------------------------------

PRICES = st.integers(0, 400_000).map(lambda micros: f"0.{micros:06d}")
STEPS = st.sampled_from([1, 6, 30, 60])
CALL = st.fixed_dictionaries(
    {
        "callee": st.sampled_from(["+81312345678", "+819012345678", "+886212345678"]),
        "seconds": st.integers(1, 4000),
        "minutes": st.integers(0, 20),
        "credit": st.sampled_from(["0.02", "1", "90"]),
        "rate": PRICES,
        "connect_fee": PRICES,
        "minimum_charge": PRICES,
        "interval_1": STEPS,
        "interval_n": STEPS,
    }
)


@pytest.mark.usefixtures("mei")
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=CALL)
def test_b18_any_call_is_charged_as_it_was_quoted(
    pbx: Source, drawn: dict[str, Any]
) -> None:
    with transaction.atomic():  # one world per example, undone at its end
        organisation = makers.make_organisation()
        line = make_line(organisation, f"+8862555{organisation.pk:05d}")
        minutes = {Bucket.DOMESTIC: drawn["minutes"]}
        give_plan(line, minutes, family=f"plan-{organisation.pk}")
        give_credit(organisation, drawn["credit"])
        names = ("rate", "connect_fee", "minimum_charge", "interval_1", "interval_n")
        price = {name: drawn[name] for name in names}
        make_card(
            [{"prefix": prefix, **price} for prefix in ("81", "8190", "8862")],
            name=f"Own {organisation.pk}",
            organisation=organisation,
        )
        caller = line.numbers.get().number
        facts = {"callee": drawn["callee"], "seconds": drawn["seconds"]}
        quoted = quote(caller=caller, at=MORNING, **facts)
        record_id = f"random-{organisation.pk}"
        take_in(pbx, make_record(record_id, caller=caller, **facts), at=MORNING)
        charge = charge_of(record_id)
        assert quoted.billed_seconds == charge.billed_seconds
        assert quoted.cost == charge.rated_amount
        parts = {part.source: (part.seconds, part.amount) for part in quoted.paid_by}
        for source in ("pool", "credit", "postpaid", "debt"):
            seconds = getattr(charge, f"{source}_seconds")
            amount = getattr(charge, f"{source}_amount")
            assert parts.get(source, (0, 0)) == (seconds, amount)
        transaction.set_rollback(True)
