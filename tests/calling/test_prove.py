"""The proof finds what fences cannot see (invariants 13 to 25)."""

from collections.abc import Callable

import pytest
from django.db import connection

from accounts.models import Organisation
from calling.invariants import INVARIANTS, Invariant
from calling.models import Bucket, Line, RateCardVersion, Source
from calling.prove import prove
from tests.calling.telephony import LATER, give_credit, give_plan, make_record, take_in
from tests.flushing.management.commands.flush import fences_lifted

pytestmark = pytest.mark.usefixtures("breached")


@pytest.fixture
def world(card: RateCardVersion, pbx: Source, formosa: Organisation, mei: Line) -> None:
    """A call from pool and credit, a free one, one corrected, one that waits."""
    give_plan(mei, {Bucket.DOMESTIC: 1})
    give_credit(formosa, "0.1")
    take_in(
        pbx,
        make_record("a", callee="+886212345678", seconds=180),
        make_record("b", kind="on_net"),
        make_record("c", seconds=60),
        make_record("d", callee="+331234567890"),
        make_record("e", seconds=300),
    )
    take_in(pbx, make_record("c", seconds=120))


@pytest.fixture
def lifted(db: None) -> Callable[[str], None]:
    """Runs SQL as somebody would who can switch the fences off."""

    def run(sql: str) -> None:
        with fences_lifted(connection), connection.cursor() as cursor:
            cursor.execute(sql)

    return run


@pytest.mark.usefixtures("world")
def test_a_world_in_order_has_no_breach(formosa: Organisation) -> None:
    assert prove(at=LATER).breaches == []
    proof = prove(formosa.pk, at=LATER)
    assert proof.breaches == []
    assert proof.checked > 8


CALL_A = "(SELECT id FROM calling_callrecord WHERE source_record_id = 'a')"
CALL_C = "(SELECT id FROM calling_callrecord WHERE source_record_id = 'c')"


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("sql", "number"),
    [
        ("UPDATE calling_rawrecord SET revision = 5 WHERE revision = 2", 13),
        ("UPDATE calling_rawrecord SET digest = 'same'", 13),
        ("DELETE FROM calling_rawrecord WHERE source_record_id = 'a'", 13),
        (f"DELETE FROM calling_callrecord WHERE id = {CALL_A}", 13),
        (
            """UPDATE calling_rawrecord SET state = 'settled'
            WHERE source_record_id = 'd'""",
            13,
        ),
        (f"DELETE FROM calling_charge WHERE call_record_id = {CALL_A}", 14),
        (f"UPDATE calling_callrecord SET revision = 1 WHERE id = {CALL_C}", 14),
        ("UPDATE calling_charge SET rate_per_minute = rate_per_minute + 600", 15),
        ("UPDATE calling_callrecord SET billable_seconds = 7200", 15),
        ("UPDATE calling_callrecord SET answered = (1 = 0)", 15),
        (
            """UPDATE calling_charge SET credit_amount = credit_amount - 1,
            pool_amount = pool_amount + 1 WHERE credit_amount > 0""",
            16,
        ),
        (
            """UPDATE calling_charge SET debt_amount = debt_amount - 1,
            pool_amount = pool_amount + 1 WHERE debt_amount > 0""",
            16,
        ),
        ("UPDATE calling_minutepool SET remaining_seconds = 1", 17),
        ("UPDATE calling_minutepool SET bucket = 'international'", 17),
        (
            "UPDATE calling_minutepool SET starts_at = '2026-03-20 00:00:00'",
            17,
        ),
        ("UPDATE calling_usageday SET calls = calls + 1", 19),
        ("UPDATE calling_usageday SET postpaid_amount = postpaid_amount + 1", 19),
        ("DELETE FROM calling_usageday WHERE kind = 'on_net'", 19),
        ("UPDATE accounts_billingmodeperiod SET billing_mode = 'NCE'", 23),
        (
            """UPDATE calling_charge SET organisation_id = organisation_id + 1
            WHERE kind = 'on_net'""",
            25,
        ),
    ],
)
def test_a_breach_is_found(
    lifted: Callable[[str], None], sql: str, number: int
) -> None:
    lifted(sql)
    found = prove(at=LATER).breaches
    assert any(breach.endswith(f"({number})") for breach in found), found


@pytest.mark.usefixtures("world")
def test_a_number_that_was_another_organisation_s_is_found(
    contoso: Organisation, mei: Line, lifted: Callable[[str], None]
) -> None:
    lifted(f"UPDATE calling_numberassignment SET organisation_id = {contoso.pk}")
    assert any("number then (25)" in breach for breach in prove(at=LATER).breaches)


@pytest.mark.usefixtures("world")
def test_a_missing_fence_is_found() -> None:
    table = " ON calling_charge" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER charge_append_only{table}")
    assert prove(at=LATER).breaches == ["fence charge_append_only is missing (7)"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "invariant",
    [
        found
        for found in INVARIANTS
        if "{spends}" in found.sql or "{debts}" in found.sql
    ],
    ids=lambda found: found.sentence[:30],
)
def test_the_entries_of_a_charge_are_found_by_their_key(
    invariant: Invariant, pbx: Source, mei: Line, card: RateCardVersion
) -> None:
    """One organisation may have millions: to go through them per charge never ends."""
    if connection.vendor == "postgresql":
        give_credit(mei.organisation, "6")  # about the half of what they cost
        assert take_in(pbx, *[make_record() for _ in range(600)]).stored == 600
    keys = {"{spends}": "entry_once_per_lot", "{debts}": "entry_once_without_lot"}
    with connection.cursor() as cursor:
        explain = "EXPLAIN QUERY PLAN"
        if connection.vendor == "postgresql":
            explain = "EXPLAIN"
            cursor.execute("ANALYZE credits_ledgerentry, calling_charge")
            cursor.execute("ANALYZE calling_callrecord")
            for way in ("hashjoin", "mergejoin", "seqscan"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"{explain} {invariant.narrowed()}", {"organisation": 0})
        plan = str(cursor.fetchall())
    named = [key for key in keys.values() if key in plan]
    assert named == [key for mark, key in keys.items() if mark in invariant.sql]
