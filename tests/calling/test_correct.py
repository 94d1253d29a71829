"""A correction undoes revision n and settles n + 1, to the last micro (rule 6.7)."""

from datetime import timedelta

import pytest

from accounts.models import Organisation
from calling.models import (
    Bucket,
    CallRecord,
    Charge,
    Line,
    MinutePool,
    RawRecord,
    Source,
    UsageDay,
)
from credits.models import LedgerEntry
from tests.calling.telephony import (
    LATER,
    MORNING,
    charge_of,
    give_credit,
    give_number,
    give_plan,
    make_card,
    make_line,
    make_record,
    take_in,
)

pytestmark = pytest.mark.usefixtures("card", "mei")


def balance_of(organisation: Organisation) -> int:
    organisation.wallet.refresh_from_db()
    return organisation.wallet.ledger_balance


def test_b12_a_correction_undoes_and_settles_anew(
    pbx: Source, formosa: Organisation
) -> None:
    give_credit(formosa, "1")
    take_in(pbx, make_record("a", seconds=60))
    result = take_in(pbx, make_record("a", seconds=180))
    assert (result.corrections, result.stored) == (1, 0)
    revisions = Charge.objects.order_by("revision").values_list(
        "revision", "credit_amount"
    )
    assert list(revisions) == [(1, 21_000), (2, 63_000)]
    assert balance_of(formosa) == 1_000_000 - 63_000
    call = CallRecord.objects.get()
    assert (call.revision, call.billable_seconds) == (2, 180)
    entries = LedgerEntry.objects.filter(kind="spend").order_by("wallet_seq")
    assert [(entry.reference, entry.amount) for entry in entries] == [
        (f"call:{call.pk}#1", -21_000),
        (f"call:{call.pk}#1:undo", 21_000),
        (f"call:{call.pk}#2", -63_000),
    ]
    day = UsageDay.objects.get()
    assert (day.calls, day.seconds, day.amount) == (1, 180, 63_000)


def test_correct_and_correct_back_is_once(pbx: Source, formosa: Organisation) -> None:
    """A digest that was seen before is a duplicate, also an older one."""
    give_credit(formosa, "1")
    for seconds in (60, 180, 60, 180):
        take_in(pbx, make_record("a", seconds=seconds))
    assert RawRecord.objects.count() == Charge.objects.count() == 2
    assert balance_of(formosa) == 1_000_000 - 63_000


def test_both_tellings_in_one_batch_end_like_in_two(
    pbx: Source, formosa: Organisation
) -> None:
    give_credit(formosa, "1")
    result = take_in(
        pbx,
        make_record("a", seconds=60),
        make_record("b", seconds=60),
        make_record("a", seconds=180),
        make_record("a", seconds=60),
        make_record("a", seconds=240),
    )
    assert [outcome.status for outcome in result.outcomes] == [
        "stored",
        "stored",
        "correction",
        "duplicate",
        "correction",
    ]
    assert charge_of("a").revision == 3
    assert balance_of(formosa) == 1_000_000 - 21_000 - 84_000


def test_debt_is_undone_and_what_was_paid_on_it_comes_back(
    pbx: Source, formosa: Organisation
) -> None:
    give_credit(formosa, "0.01")
    take_in(pbx, make_record("a", seconds=180))
    assert balance_of(formosa) == 10_000 - 63_000
    give_credit(formosa, "1")
    assert balance_of(formosa) == 1_010_000 - 63_000
    take_in(pbx, make_record("a", seconds=60))
    assert balance_of(formosa) == 1_010_000 - 21_000
    formosa.wallet.refresh_from_db()
    assert formosa.wallet.debt == 0


def test_a_call_that_was_not_answered_after_all(
    pbx: Source, formosa: Organisation
) -> None:
    give_credit(formosa, "1")
    take_in(pbx, make_record("a", seconds=60))
    take_in(pbx, make_record("a", answered=False))
    assert charge_of("a").rated_amount == 0
    assert balance_of(formosa) == 1_000_000


def test_pool_seconds_come_back(pbx: Source, formosa: Organisation, mei: Line) -> None:
    give_plan(mei, {Bucket.INTERNATIONAL: 2})
    give_credit(formosa, "1")
    take_in(pbx, make_record("a", seconds=180))
    pool = MinutePool.objects.get()
    assert (pool.remaining_seconds, pool.exhausted_at) == (0, LATER)
    take_in(pbx, make_record("a", seconds=60))
    pool.refresh_from_db()
    assert (pool.remaining_seconds, pool.exhausted_at) == (60, None)
    assert charge_of("a").pool_seconds == 60
    assert balance_of(formosa) == 1_000_000


def test_a_correction_may_move_a_call_to_another_month(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    give_plan(mei, {Bucket.INTERNATIONAL: 10})
    take_in(pbx, make_record("a"))
    earlier = MORNING - timedelta(days=20)
    take_in(pbx, make_record("a", at=earlier))
    left = MinutePool.objects.order_by("period_start").values_list(
        "period_start__month", "remaining_seconds"
    )
    assert list(left) == [(2, 540), (3, 600)]
    days = UsageDay.objects.order_by("day").values_list("day__month", "calls")
    assert list(days) == [(2, 1), (3, 0)]


def test_a_correction_may_change_the_kind(pbx: Source, formosa: Organisation) -> None:
    give_credit(formosa, "5")
    take_in(pbx, make_record("a"))
    take_in(pbx, make_record("a", callee="+886204123456"))
    assert charge_of("a").kind == "premium"
    assert balance_of(formosa) == 4_000_000


def test_a_correction_that_cannot_be_settled_waits_and_the_old_charge_stands(
    pbx: Source, formosa: Organisation
) -> None:
    give_credit(formosa, "1")
    take_in(pbx, make_record("a"))
    result = take_in(pbx, make_record("a", callee="+331234567890"))
    assert (result.corrections, result.waiting) == (0, 1)
    assert charge_of("a").revision == 1
    assert balance_of(formosa) == 1_000_000 - 21_000


def test_a_correction_that_belongs_to_another_organisation_waits(
    pbx: Source, formosa: Organisation, contoso: Organisation
) -> None:
    give_number(contoso, "+886277770000", line=make_line(contoso))
    take_in(pbx, make_record("a"))
    result = take_in(pbx, make_record("a", caller="+886277770000"))
    assert [outcome.reason for outcome in result.outcomes] == ["owner_changed"]
    assert charge_of("a").organisation == formosa


def test_a_later_telling_makes_one_that_waits_obsolete(
    pbx: Source, formosa: Organisation
) -> None:
    take_in(pbx, make_record("a", callee="+331234567890"))
    take_in(pbx, make_record("a", callee="+81312345678"))
    states = RawRecord.objects.order_by("revision").values_list("state", "reason")
    assert list(states) == [("settled", ""), ("settled", "")]
    assert charge_of("a").revision == 1


def test_the_price_is_that_of_the_call_s_start_also_when_corrected(
    pbx: Source, formosa: Organisation
) -> None:
    take_in(pbx, make_record("a"))
    make_card([{"prefix": "81", "rate": "9"}], valid_from=MORNING + timedelta(1))
    take_in(pbx, make_record("a", seconds=120))
    assert charge_of("a").rated_amount == 42_000


def test_money_of_a_lot_that_has_expired_since_pays_the_corrected_call(
    pbx: Source, formosa: Organisation
) -> None:
    lot = give_credit(formosa, "1", months=3)
    take_in(pbx, make_record("a", seconds=60))
    much_later = lot.expires_at + timedelta(days=2)
    take_in(pbx, make_record("a", seconds=120), at=much_later)
    assert charge_of("a").credit_amount == 42_000
