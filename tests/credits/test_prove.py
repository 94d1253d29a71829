"""The proof finds what fences cannot stop: every seeded breach is named.

Each finding ends with the number of its invariant in brackets.
"""

from datetime import timedelta

import pytest
from django.db import connection

from accounts.audit import record_audit
from accounts.models import BillingModePeriod, Organisation
from credits.models import Account, LedgerEntry, Lot, LotKind
from credits.prove import Proof, prove
from credits.spend import spend
from credits.trial_balance import trial_balance
from tests.flushing.management.commands.flush import fences_lifted
from tests.makers import START, make_lot, make_organisation

pytestmark = pytest.mark.usefixtures("breached")

ENTRY = "UPDATE credits_ledgerentry SET {} WHERE kind = '{}'"
LOT, WALLET = "UPDATE credits_lot SET {}", "UPDATE credits_wallet SET {}"


@pytest.fixture
def history(formosa: Organisation) -> Organisation:
    """A gift, a call, a debt and its payment: a little of everything."""
    make_lot(formosa, "10", reference="gift:1")
    spend(formosa, amount=12_000_000, reference="c#1", started_at=START, at=START)
    make_lot(formosa, "5", kind=LotKind.STAFF_PAYMENT, reference="bank:1")
    spend(formosa, amount=1_000_000, reference="c#2", started_at=START, at=START)
    return formosa


def breach(sql: str) -> list[str]:
    with fences_lifted(connection), connection.cursor() as cursor:
        cursor.execute(sql)
    return prove(at=START).breaches


def test_a_true_ledger_is_proven(history: Organisation) -> None:
    # One wallet, two lots; gift, spend, debt, bank, two lines of payment, spend.
    assert prove(at=START) == Proof(checked=10, breaches=[], late=[])


@pytest.mark.parametrize(
    ("number", "sql"),
    [
        (1, WALLET.format("credit = credit + 1")),
        (1, WALLET.format("last_seq = last_seq + 1")),
        (1, ENTRY.format("balance_after = balance_after + 1", "debt")),
        (1, ENTRY.format("wallet_seq = 99", "debt")),
        (1, "DELETE FROM credits_ledgerentry WHERE kind = 'spend'"),
        (2, LOT.format("remaining = remaining - 1 WHERE remaining > 0")),
        (2, ENTRY.format("amount = amount - 1", "spend")),
        (3, WALLET.format("debt = debt + 1")),
        (3, ENTRY.format("amount = amount - 1", "debt")),
        (4, LOT.format("currency = 'EUR'")),
        (4, WALLET.format("currency = 'EUR'")),
        (4, ENTRY.format("kind = 'promotional', amount = 1", "debt")),
        (4, ENTRY.format("amount = amount - 1", "pay_debt' AND lot_id > '0")),
        (5, WALLET.format("lapsed = 1")),
        (5, WALLET.format("next_expiry_at = '2026-01-05 00:00:00'")),
        (5, WALLET.format("recharge_wanted = TRUE")),
        (5, WALLET.format('"trigger" = 90000000')),
        (7, ENTRY.format("reverses_id = 1, amount = -1", "debt")),
        (8, LOT.format("original = original + 1")),
        (8, ENTRY.format("kind = 'restored'", "staff_payment")),
        (9, LOT.format("expires_at = '2026-06-01 00:00:00' WHERE sale_id > 0")),
        (10, ENTRY.format("event_at = '2029-01-01 00:00:00'", "spend")),
        (11, ENTRY.format("kind = 'expire'", "spend' AND reference = 'c#2")),
        (18, WALLET.format("reserved = 1")),
        (18, WALLET.format("live_calls = 1")),
        (25, ENTRY.format("organisation_id = 987654", "debt")),
    ],
)
def test_a_breach_is_named(history: Organisation, number: int, sql: str) -> None:
    found = breach(sql)
    assert any(line.endswith(f"({number})") for line in found), found


def test_giving_back_more_than_a_call_took_is_a_breach(history: Organisation) -> None:
    now = "'2026-01-02 00:00:00'"
    found = breach(
        "INSERT INTO credits_ledgerentry (organisation_id, wallet_seq, kind, lot_id, "
        "amount, balance_after, reference, event_at, booked_at, note) "
        "SELECT organisation_id, wallet_seq + 1, 'credit_call', lot_id, 1000001, "
        f"balance_after + 1000001, 'c#2', {now}, {now}, '' "
        "FROM credits_ledgerentry WHERE reference = 'c#2'"
    )
    told = (
        f"wallet {history.pk}: 1000001 of c#2 was given back, of 1000000 that it took"
    )
    assert f"{told} (16)" in found


def test_owing_while_a_lot_could_pay_is_a_breach(history: Organisation) -> None:
    breaches = breach(
        "INSERT INTO credits_ledgerentry (organisation_id, wallet_seq, kind, amount,"
        " balance_after, reference, event_at, booked_at, note) SELECT organisation_id,"
        " 8, 'debt', -1, 2999999, 'c#3', event_at, booked_at, note"
        " FROM credits_ledgerentry WHERE reference = 'gift:1'"
    )
    with fences_lifted(connection), connection.cursor() as cursor:
        cursor.execute(WALLET.format("debt = 1, last_seq = 8"))
    found = prove(at=START).breaches
    assert breaches != found
    lot = Lot.objects.latest("pk")
    sentence = f"wallet {history.pk}: owes 1 although lot {lot.pk} could pay (3)"
    assert [line for line in found if line.endswith("(3)")] == [sentence]


def test_an_absent_fence_is_a_breach(history: Organisation) -> None:
    with connection.cursor() as cursor:
        on = " ON credits_lot" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER lot_moved_by_entries{on}")
    assert prove(at=START).breaches == ["fence lot_moved_by_entries is missing (7)"]


def test_promotional_credit_of_an_nce_time_is_a_breach(history: Organisation) -> None:
    BillingModePeriod.objects.filter(organisation=history).update(billing_mode="NCE")
    found = prove(at=START).breaches
    assert [line[-4:] for line in found] == ["(22)"]


def test_an_extension_that_nobody_accounts_for_is_a_breach(
    history: Organisation,
) -> None:
    """Invariant 9: the database lets it pass, since it is the lot's first."""
    lot = Lot.objects.get(kind=LotKind.STAFF_PAYMENT)
    later = lot.expires_at + timedelta(days=30)
    Lot.objects.filter(pk=lot.pk).update(
        expires_at=later, extended_from=lot.expires_at, extended_at=START
    )
    history.wallet.next_expiry_at = later
    history.wallet.save(update_fields=["next_expiry_at"])
    assert [line[-3:] for line in prove(at=START).breaches] == ["(9)"]
    record_audit("extend_lot", at=START, organisation=history, object=f"lot {lot.pk}")
    assert prove(at=START).breaches == []


def test_a_proof_can_be_narrowed_to_one_organisation(history: Organisation) -> None:
    other = make_organisation()
    found = breach(WALLET.format(f"lapsed = 1 WHERE organisation_id = {other.pk}"))
    assert len(found) == 1
    assert prove(history.pk, at=START).breaches == []
    assert prove(other.pk, at=START).breaches == found


def test_a_sweep_that_has_not_run_is_late_and_no_breach(
    history: Organisation,
) -> None:
    lot = Lot.objects.get(kind=LotKind.STAFF_PAYMENT)
    hour = timedelta(hours=1)
    assert prove(at=lot.expires_at) == Proof(10, [], [])
    assert len(prove(at=lot.expires_at + hour).late) == 1
    assert len(prove(at=lot.expires_at + 73 * hour).late) == 2
    assert prove(at=lot.expires_at + 73 * hour).breaches == []


def test_proving_changes_nothing(history: Organisation) -> None:
    before = list(LedgerEntry.objects.values_list())
    prove(at=START)
    assert list(LedgerEntry.objects.values_list()) == before


def test_the_trial_balance_is_zero_and_clearing_too(history: Organisation) -> None:
    books = trial_balance(organisation_id=history.pk)
    assert sum(books.values()) == 0
    assert books == {
        Account.BANK: 5_000_000,
        Account.LIABILITY: -2_000_000,
        # The gift was granted and spent: neither revenue nor owed any more.
        Account.MARKETING: 0,
        Account.PROMOTIONAL: 0,
        Account.REVENUE: -3_000_000,
        Account.RECEIVABLE: 0,
        Account.CLEARING: 0,
    }
