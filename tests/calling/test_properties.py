"""Properties of settlement, for any calls in any order and parts (rules 6.7, 8)."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

import pytest
from django.db import transaction
from django.db.models import F, Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Organisation
from calling.formats.record import CallRecordIn
from calling.models import (
    Bucket,
    Charge,
    Line,
    MinutePool,
    RateCardVersion,
    Source,
    UsageDay,
)
from calling.prove import prove as prove_calls
from credits.models import Lot, Wallet
from credits.prove import prove as prove_credits
from tests.calling.telephony import (
    LATER,
    MORNING,
    give_credit,
    give_plan,
    make_record,
    take_in,
)

Result = TypeVar("Result")


class Company(NamedTuple):
    """Who calls, and the switch that tells of it."""

    pbx: Source
    organisation: Organisation
    line: Line


@pytest.fixture
def company(pbx: Source, mei: Line, card: RateCardVersion) -> Company:
    return Company(pbx, mei.organisation, mei)


CALLEES = ["+81312345678", "+819012345678", "+886212345678", "+447500123456"]
CALLS = st.lists(
    st.tuples(
        st.sampled_from(CALLEES),
        st.integers(0, 2_000),  # seconds
        st.integers(0, 200),  # minutes after the first
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda call: call[2],
)
PARTS = ("pool_amount", "credit_amount", "postpaid_amount", "debt_amount")
any_calls = settings(
    max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def records_of(calls: Sequence[tuple[str, int, int]]) -> list[CallRecordIn]:
    return [
        make_record(
            f"r{number}",
            callee=callee,
            seconds=seconds,
            at=MORNING + timedelta(minutes=minute),
        )
        for number, (callee, seconds, minute) in enumerate(calls)
    ]


def give_minutes(company: Company, minutes: int) -> None:
    both = {Bucket.DOMESTIC: minutes, Bucket.INTERNATIONAL: minutes}
    give_plan(company.line, both)


def in_a_world(work: Callable[[], Result]) -> Result:
    """What the work returns; the books are proven and everything is undone."""
    with transaction.atomic():
        result = work()
        assert prove_credits(at=LATER).breaches == []
        assert prove_calls(at=LATER).breaches == []
        transaction.set_rollback(True)
    return result


def charges() -> dict[str, tuple[int, ...]]:
    """By record, its current charge: rated amount, then who paid what."""
    rows = Charge.objects.filter(call_record__revision=F("revision"))
    return {
        record_id: tuple(amounts)
        for record_id, *amounts in rows.values_list(
            "call_record__source_record_id", "rated_amount", *PARTS
        )
    }


def books() -> dict[str, Any]:
    """Everything that calls change, as it stands."""
    usage = UsageDay.objects.order_by("pk")
    return {
        "charges": charges(),
        "all_charges": Charge.objects.count(),
        "lots": sorted(Lot.objects.values_list("reference", "remaining")),
        "pools": sorted(MinutePool.objects.values_list("bucket", "remaining_seconds")),
        "debt": Wallet.objects.aggregate(sum=Sum("debt"))["sum"],
        "usage": sorted(usage.values_list("kind", "calls", "seconds", "amount")),
    }


@any_calls
@given(calls=CALLS, minutes=st.integers(0, 40), cents=st.integers(1, 300))
def test_a_charge_is_its_rated_amount_and_nothing_falls_below_zero(
    company: Company,
    calls: list[tuple[str, int, int]],
    minutes: int,
    cents: int,
) -> None:
    def work() -> None:
        give_plan(
            company.line, {Bucket.DOMESTIC: minutes, Bucket.INTERNATIONAL: minutes}
        )
        give_credit(company.organisation, f"{cents / 100:.2f}")
        take_in(company.pbx, *records_of(calls))
        for rated, *parts in charges().values():
            assert sum(parts) == rated
            assert min(parts) >= 0
        assert all(left >= 0 for _, left in books()["lots"])
        assert all(left >= 0 for _, left in books()["pools"])

    in_a_world(work)


@any_calls
@given(data=st.data(), calls=CALLS, minutes=st.integers(0, 40))
def test_within_a_batch_any_order_gives_the_same(
    company: Company,
    data: st.DataObject,
    calls: list[tuple[str, int, int]],
    minutes: int,
) -> None:
    order = data.draw(st.permutations(records_of(calls)))

    def settled(records: Sequence[CallRecordIn]) -> dict[str, Any]:
        give_plan(
            company.line, {Bucket.DOMESTIC: minutes, Bucket.INTERNATIONAL: minutes}
        )
        lots = [give_credit(company.organisation, units) for units in ("0.1", "0.5")]
        take_in(company.pbx, *records)
        left = list(Lot.objects.order_by("pk").values_list("remaining", flat=True))
        assert len(left) == len(lots)
        return {**books(), "lots": left}

    told = in_a_world(lambda: settled(records_of(calls)))
    assert in_a_world(lambda: settled(order)) == told


@any_calls
@given(data=st.data(), calls=CALLS, minutes=st.integers(0, 40))
def test_across_batches_the_rated_sum_is_the_same(
    company: Company,
    data: st.DataObject,
    calls: list[tuple[str, int, int]],
    minutes: int,
) -> None:
    """Without a pool the balance too: one lot, no expiry and no move between."""
    records = data.draw(st.permutations(records_of(calls)))
    cut = data.draw(st.integers(0, len(records)))

    def settled(*batches: Sequence[CallRecordIn]) -> tuple[dict[str, int], int]:
        give_credit(company.organisation, "0.6")
        if minutes:
            give_plan(
                company.line, {Bucket.DOMESTIC: minutes, Bucket.INTERNATIONAL: minutes}
            )
        for batch in batches:
            take_in(company.pbx, *batch)
        wallet = Wallet.objects.get(organisation=company.organisation)
        rated = {name: amounts[0] for name, amounts in charges().items()}
        return rated, 0 if minutes else wallet.credit - wallet.debt

    at_once = in_a_world(lambda: settled(records))
    assert in_a_world(lambda: settled(records[:cut], records[cut:])) == at_once
    assert in_a_world(lambda: settled(*[[one] for one in records])) == at_once


@any_calls
@given(data=st.data(), calls=CALLS)
def test_import_twice_is_once(
    company: Company,
    data: st.DataObject,
    calls: list[tuple[str, int, int]],
) -> None:
    records = records_of(calls)
    again = data.draw(st.permutations(records))

    def work() -> None:
        give_plan(company.line, {Bucket.DOMESTIC: 20})
        give_credit(company.organisation, "0.3")
        take_in(company.pbx, *records)
        once = books()
        result = take_in(company.pbx, *again, *again)
        assert result.duplicates == 2 * len(records)
        assert books() == once

    in_a_world(work)


@any_calls
@given(calls=CALLS, others=st.lists(st.integers(1, 2_000), min_size=12, max_size=12))
def test_correct_and_correct_back_is_once(
    company: Company,
    calls: list[tuple[str, int, int]],
    others: list[int],
) -> None:
    """Telling the first again is a duplicate: what was corrected stays corrected.

    And a record told rightly at first ends like one that was corrected to it, where
    one lot pays and nothing else was drawn between.
    """
    corrected = [
        (callee, other, minute)
        for (callee, _, minute), other in zip(calls, others, strict=False)
    ]

    def straight() -> dict[str, Any]:
        give_credit(company.organisation, "90")
        take_in(company.pbx, *records_of(corrected))
        return books()

    def corrected_and_back() -> dict[str, Any]:
        give_credit(company.organisation, "90")
        for told in (calls, corrected, calls, corrected):
            take_in(company.pbx, *records_of(told))
        return books()

    expected, found = in_a_world(straight), in_a_world(corrected_and_back)
    for name in ("charges", "debt"):
        assert found[name] == expected[name]
    assert [left for _, left in found["lots"]] == [left for _, left in expected["lots"]]
