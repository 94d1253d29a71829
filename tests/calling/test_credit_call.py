"""Staff give back what a call cost, once, to the lots that paid it (rule 3.9)."""

from datetime import timedelta

import pytest
from django.db import connection

from accounts.models import AuditEvent, Notice, Organisation, User
from calling.credit_call import credit_call, creditable_call
from calling.models import CallRecord, Line, RawRecord, Source
from calling.refusals import CallOfClosedOrganisation
from calling.replay import settle_raw_records
from credits.adjust import forgive_debt
from credits.expire import expire_due_lots
from credits.models import LedgerEntry, Lot, Wallet
from credits.refusals import CallCreditedBefore, CallNotCredited, CreditsNotHeld
from tests.calling.telephony import LATER, give_credit, make_record, take_in
from tests.makers import make_user

pytestmark = pytest.mark.usefixtures("card", "mei")
MINUTE = 21_000  # micros a minute to Japan
WHY = "Nobody could hear a word, case 77."


@pytest.fixture
def sue(db: None) -> User:
    return make_user("sue@provider.example", name="Sue", is_staff=True)


def credit(amount: int, actor: User, name: str = "a", at: object = LATER) -> None:
    call = CallRecord.objects.get(source_record_id=name)
    credit_call(call, amount, reason=WHY, actor=actor, at=at)  # type: ignore[arg-type]


def most(name: str = "a") -> int:
    return creditable_call(CallRecord.objects.get(source_record_id=name), LATER)


def wallet_of(organisation: Organisation) -> tuple[int, int]:
    wallet = Wallet.objects.get(pk=organisation.pk)
    return wallet.credit, wallet.debt


def entries(kind: str = "credit_call") -> list[tuple[int | None, int]]:
    found = LedgerEntry.objects.filter(kind=kind).order_by("wallet_seq")
    return list(found.values_list("lot_id", "amount"))


def test_a_call_is_credited_once_and_told(
    pbx: Source, formosa: Organisation, alice: User, sue: User
) -> None:
    lot = give_credit(formosa, "1")
    take_in(pbx, make_record("a", seconds=180))
    assert most() == 3 * MINUTE
    credit(2 * MINUTE, sue)
    assert wallet_of(formosa) == (1_000_000 - MINUTE, 0)
    entry = LedgerEntry.objects.get(kind="credit_call")
    call = CallRecord.objects.get()
    assert (entry.lot, entry.reference) == (lot, f"call:{call.pk}#1")
    assert (entry.actor, entry.note) == (sue, WHY)
    event = AuditEvent.objects.get(verb="credit_call")
    assert (event.actor, event.reason, event.organisation) == (sue, WHY, formosa)
    assert event.after == {"balance": "0.979000"}
    notice = Notice.objects.get(kind="staff_action")
    assert notice.context["deed"] == "call_credited"
    assert (notice.context["amount"], notice.recipient) == (2 * MINUTE, alice.email)
    assert most() == 0
    with pytest.raises(CallCreditedBefore):
        credit(1, sue)
    assert len(entries()) == 1


@pytest.mark.parametrize("amount", [-1, 0, 3 * MINUTE + 1])
def test_no_more_goes_back_than_the_call_took(
    pbx: Source, formosa: Organisation, sue: User, amount: int
) -> None:
    give_credit(formosa, "1")
    take_in(pbx, make_record("a", seconds=180))
    with pytest.raises(CallNotCredited):
        credit(amount, sue)
    assert entries() == []
    assert not AuditEvent.objects.exists()


def test_the_lot_drawn_last_gets_its_money_first(
    pbx: Source, formosa: Organisation, sue: User
) -> None:
    soon = give_credit(formosa, "0.05", months=3)
    late = give_credit(formosa, "1", months=4)
    take_in(pbx, make_record("a", seconds=180))
    credit(3 * MINUTE - 1, sue)
    assert entries() == [(late.pk, 13_000), (soon.pk, 49_999)]


def test_what_is_still_owed_is_credited_first(
    pbx: Source, formosa: Organisation, sue: User
) -> None:
    lot = give_credit(formosa, "0.05")
    take_in(pbx, make_record("a", seconds=180))
    assert wallet_of(formosa) == (0, 13_000)
    credit(20_000, sue)
    assert entries() == [(None, 13_000), (lot.pk, 7_000)]
    assert wallet_of(formosa) == (7_000, 0)


def test_credit_pays_what_other_calls_owe(
    pbx: Source, formosa: Organisation, sue: User
) -> None:
    """Rule 3.6: debt > 0 means that nothing could be spent."""
    give_credit(formosa, "0.063")
    take_in(pbx, make_record("a", seconds=180), make_record("b", seconds=60))
    credit(3 * MINUTE, sue)
    assert wallet_of(formosa) == (2 * MINUTE, 0)


def test_a_call_that_paid_debt_in_its_batch_is_credited_too(
    pbx: Source, formosa: Organisation, sue: User
) -> None:
    """Both payments of debt bear its name; neither is taken for the other."""
    give_credit(formosa, "0.063")
    take_in(pbx, make_record("x", seconds=180), make_record("y", seconds=60))
    # Undoing x returns money; y's debt is paid from it after a is charged.
    take_in(pbx, make_record("x", answered=False), make_record("a", seconds=60))
    a = CallRecord.objects.get(source_record_id="a")
    assert LedgerEntry.objects.filter(reference=f"call:{a.pk}#1:debt").exists()
    take_in(pbx, make_record("z", seconds=120))
    assert wallet_of(formosa) == (0, MINUTE)
    credit(MINUTE, sue)
    assert wallet_of(formosa) == (0, 0)


def test_a_lot_that_has_expired_gets_nothing_back(
    pbx: Source, formosa: Organisation, sue: User
) -> None:
    soon = give_credit(formosa, "0.05", months=3)
    give_credit(formosa, "1", months=12)
    take_in(pbx, make_record("a", seconds=180))
    at = soon.expires_at
    call = CallRecord.objects.get()
    assert creditable_call(call, at - timedelta(microseconds=1)) == 63_000
    assert creditable_call(call, at) == 13_000
    with pytest.raises(CallNotCredited):
        credit(13_001, sue, at=at)
    credit(13_000, sue, at=at)


def test_plan_minutes_and_free_calls_return_nothing(
    pbx: Source, formosa: Organisation, sue: User
) -> None:
    give_credit(formosa, "1")
    take_in(pbx, make_record("a", answered=False))
    assert most() == 0
    with pytest.raises(CallNotCredited):
        credit(1, sue)


def test_an_nce_organisation_gets_no_call_credited(
    pbx: Source, formosa: Organisation, sue: User
) -> None:
    """Rule 2.1: goodwill there is a negative invoice line."""
    give_credit(formosa, "1")
    take_in(pbx, make_record("a", seconds=60))
    Organisation.objects.filter(pk=formosa.pk).update(billing_mode="NCE")
    with pytest.raises(CreditsNotHeld):
        credit(1, sue)
    Organisation.objects.filter(pk=formosa.pk).update(billing_mode="PREPAID")
    assert entries() == []


def test_a_closed_organisation_gets_no_call_credited(
    pbx: Source, formosa: Organisation, sue: User
) -> None:
    give_credit(formosa, "1")
    take_in(pbx, make_record("a", seconds=60))
    Organisation.objects.filter(pk=formosa.pk).update(closed_at=LATER)
    with pytest.raises(CallOfClosedOrganisation):
        credit(1, sue)
    assert entries() == []


# --- a credited call that is corrected ------------------------------------------------


@pytest.mark.parametrize("given", [1, MINUTE, 3 * MINUTE])
def test_a_correction_undoes_the_credit_with_the_call(
    pbx: Source, formosa: Organisation, sue: User, given: int
) -> None:
    give_credit(formosa, "1")
    take_in(pbx, make_record("a", seconds=180))
    credit(given, sue)
    take_in(pbx, make_record("a", seconds=60))
    assert wallet_of(formosa) == (1_000_000 - MINUTE, 0)
    assert sum(amount for _, amount in entries()) == 0
    assert most() == MINUTE  # the corrected call may be credited anew
    credit(MINUTE, sue)
    assert wallet_of(formosa) == (1_000_000, 0)


def test_a_credit_spent_since_comes_off_after_the_call_is_undone(
    pbx: Source, formosa: Organisation, sue: User
) -> None:
    """At every line a lot has between nothing and its original amount."""
    lot = give_credit(formosa, "0.063")
    take_in(pbx, make_record("a", seconds=180))
    credit(3 * MINUTE, sue)
    take_in(pbx, make_record("b", seconds=180))  # spends it again
    take_in(pbx, make_record("a", seconds=60))
    assert wallet_of(formosa) == (0, MINUTE)
    assert Lot.objects.get(pk=lot.pk).remaining == 0


def test_an_expired_lot_is_opened_for_a_credited_call(
    pbx: Source, formosa: Organisation, sue: User
) -> None:
    lot = give_credit(formosa, "1", months=3)
    take_in(pbx, make_record("a", seconds=180))
    credit(2 * MINUTE, sue)
    after = lot.expires_at + timedelta(days=10)
    expire_due_lots(after)
    take_in(pbx, make_record("a", seconds=60), at=after)
    assert Lot.objects.get(pk=lot.pk).remaining == 1_000_000 - MINUTE
    expire_due_lots(after)
    assert wallet_of(formosa) == (0, 0)


def test_credited_debt_is_not_opened_for_another_call(
    pbx: Source, formosa: Organisation, sue: User
) -> None:
    """What was given back for one call stays given when another is undone."""
    take_in(pbx, make_record("b", seconds=60))
    give_credit(formosa, "0.021")  # pays b
    take_in(pbx, make_record("a", seconds=60))
    credit(MINUTE, sue)
    assert wallet_of(formosa) == (0, 0)
    take_in(pbx, make_record("b", answered=False))
    assert wallet_of(formosa) == (MINUTE, 0)
    take_in(pbx, make_record("a", answered=False))
    assert wallet_of(formosa) == (MINUTE, 0)


def test_partly_credited_debt_is_undone_to_the_last_micro(
    pbx: Source, formosa: Organisation, sue: User
) -> None:
    take_in(pbx, make_record("a", seconds=180))
    credit(MINUTE, sue)
    forgive_debt(
        formosa.pk, MINUTE, reference="adjust:1", reason=WHY, at=LATER, actor=sue
    )
    lot = give_credit(formosa, "1")
    assert wallet_of(formosa) == (1_000_000 - MINUTE, 0)
    take_in(pbx, make_record("a", answered=False))
    assert wallet_of(formosa) == (1_000_000, 0)
    assert Lot.objects.get(pk=lot.pk).remaining == 1_000_000


def test_a_large_credit_half_spent_makes_its_correction_wait(
    pbx: Source, formosa: Organisation, sue: User, mei: Line
) -> None:
    """No order of lines would do on SQLite; it waits, and settles when it can."""
    give_credit(formosa, "0.084")
    take_in(pbx, make_record("a", seconds=180))
    credit(3 * MINUTE, sue)
    take_in(pbx, make_record("b", seconds=120))
    take_in(pbx, make_record("a", seconds=60))
    told = RawRecord.objects.get(source_record_id="a", revision=2)
    if connection.vendor == "postgresql":
        assert wallet_of(formosa) == (MINUTE, 0)
        return
    assert (told.state, told.reason) == ("waiting", "refused")
    assert wallet_of(formosa) == (2 * MINUTE, 0)
    take_in(pbx, make_record("c", seconds=60))
    settle_raw_records([told.pk], at=LATER)
    assert wallet_of(formosa) == (0, 0)
