"""Posting: numbered, balanced, in a constant number of statements (rule 3.3)."""

from datetime import timedelta

import pytest
from django.db import transaction

from accounts.models import Organisation
from credits.draft import WalletDraft
from credits.lock import lock_wallet, lock_wallets
from credits.lots import read_live_lots
from credits.models import LedgerEntry, Wallet
from credits.post import EntryDraft, post_drafts, post_entries
from credits.reverse import read_pasts, undo
from tests.makers import START, make_lot, make_organisation
from tests.statements import counted


def spend_calls(organisations: list[Organisation], calls: int, name: str) -> None:
    """One batch: `calls` calls of a cent each, spread over the organisations."""
    with transaction.atomic():
        wallets = lock_wallets(one.pk for one in organisations)
        lots = read_live_lots(wallets, at=START)
        drafts = [
            WalletDraft(wallet, lots[pk], at=START) for pk, wallet in wallets.items()
        ]
        for number in range(calls):
            draft = drafts[number % len(drafts)]
            reference = f"call:{name}-{number}#1"
            given = draft.spend(10_000, reference=reference, started_at=START)
            draft.owe(10_000 - given, reference=reference, event_at=START)
        post_drafts(wallets, drafts, at=START)


def test_entries_are_numbered_and_carry_the_running_balance(
    formosa: Organisation,
) -> None:
    lot = make_lot(formosa, "1")
    with transaction.atomic():
        wallet = lock_wallet(formosa.pk)
        drafts = [
            EntryDraft(formosa.pk, "spend", lot.pk, -400_000, "c1#1", START),
            EntryDraft(formosa.pk, "spend", lot.pk, -600_000, "c2#1", START),
            EntryDraft(formosa.pk, "debt", None, -100_000, "c2#1", START),
        ]
        post_entries({formosa.pk: wallet}, drafts, at=START + timedelta(hours=1))
    posted = LedgerEntry.objects.filter(wallet_seq__gt=1).order_by("wallet_seq")
    assert [(e.wallet_seq, e.balance_after) for e in posted] == [
        (2, 600_000),
        (3, 0),
        (4, -100_000),
    ]
    assert {e.booked_at for e in posted} == {START + timedelta(hours=1)}


def test_the_wallets_in_memory_stand_as_in_the_database(formosa: Organisation) -> None:
    lot = make_lot(formosa, "1")
    with transaction.atomic():
        wallet = lock_wallet(formosa.pk)
        draft = WalletDraft(
            wallet, read_live_lots([formosa.pk], at=START)[formosa.pk], at=START
        )
        draft.spend(250_000, reference="c#1", started_at=START)
        post_drafts({formosa.pk: wallet}, [draft], at=START)
    stored = Wallet.objects.get(pk=formosa.pk)
    fields = ("credit", "debt", "lapsed", "last_seq", "next_expiry_at")
    for field in (*fields, "recharge_wanted", "reserved", "incoming"):
        assert getattr(wallet, field) == getattr(stored, field), field
    assert stored.next_expiry_at == lot.expires_at


def test_nothing_to_post_costs_nothing(formosa: Organisation) -> None:
    with counted() as count, transaction.atomic():
        post_entries({}, [], at=START)
    assert count.statements <= 2  # the savepoint


@pytest.mark.slow
def test_statements_do_not_grow_with_the_batch(db: None) -> None:
    organisations = [make_organisation() for _ in range(20)]
    for organisation in organisations:
        make_lot(organisation, "10000")
    counts = {}
    for calls in (1, 100, 10_000):
        with counted() as count:
            spend_calls(organisations, calls, str(calls))
        counts[calls] = count.statements
    assert counts[1] == counts[100] == counts[10_000] <= 6
    assert LedgerEntry.objects.filter(kind="spend").count() == 10_101


def test_undoing_reads_the_same_number_of_times_for_any_batch(db: None) -> None:
    organisations = [make_organisation() for _ in range(4)]
    spend_calls(organisations, 80, "a")  # all of it debt
    for organisation in organisations:
        make_lot(organisation, "50")  # and paid
    counts = []
    for first, last in ((0, 1), (1, 40), (40, 80)):
        with transaction.atomic():
            wallets = lock_wallets(one.pk for one in organisations)
            names: dict[int, list[str]] = {pk: [] for pk in wallets}
            for number in range(first, last):
                names[organisations[number % 4].pk].append(f"call:a-{number}#1")
            with counted() as count:
                pasts = read_pasts(wallets, names)
            drafts = [WalletDraft(w, [], at=START) for w in wallets.values()]
            for draft in drafts:
                undo(draft, pasts[draft.organisation_id])
            post_drafts(wallets, drafts, at=START)
        counts.append(count.statements)
    assert counts == [5, 5, 5]
    totals = Wallet.objects.values_list("credit", "debt")
    assert set(totals) == {(50_000_000, 0)}


def test_a_wallet_is_locked_inside_a_transaction_only(
    formosa: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = transaction.get_connection()
    monkeypatch.setattr(connection, "in_atomic_block", False)
    with pytest.raises(RuntimeError, match="inside a transaction"):
        lock_wallet(formosa.pk)
    monkeypatch.undo()


def test_an_organisation_without_a_wallet_is_not_passed_over(
    formosa: Organisation,
) -> None:
    with pytest.raises(Wallet.DoesNotExist), transaction.atomic():
        lock_wallets([formosa.pk, 987654])
