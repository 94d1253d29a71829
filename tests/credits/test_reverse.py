"""Undoing: opposite entries, also of paid debts and posted expiries (rule 3.3)."""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Organisation
from credits.adjust import forgive_debt
from credits.draft import WalletDraft
from credits.expire import expire_due_lots, lapse_due_lots, post_expired_lots
from credits.lock import lock_wallet
from credits.lots import read_live_lots
from credits.models import EntryKind, LedgerEntry, Lot, Wallet
from credits.post import post_drafts
from credits.reverse import read_pasts, reverse_event, undo
from credits.spend import spend
from credits.statement import read_balance
from tests.makers import START, make_lot, make_user

DAY = timedelta(days=1)


def call(
    organisation: Organisation, name: str, amount: int, at: datetime = START
) -> None:
    spend(organisation, amount=amount, reference=f"call:{name}#1", started_at=at, at=at)


def reverse(organisation: Organisation, name: str, at: datetime = START) -> int:
    return reverse_event(organisation.pk, f"call:{name}#1", at=at)


def correct(
    organisation: Organisation, name: str, amount: int, *, at: datetime
) -> None:
    """Undoes revision 1 of a call and settles revision 2, as settling does."""
    old, new = f"call:{name}#1", f"call:{name}#2"
    with transaction.atomic():
        wallets = {organisation.pk: lock_wallet(organisation.pk)}
        pasts = read_pasts(wallets, {organisation.pk: [old]})
        lots = read_live_lots([organisation.pk], at=at)[organisation.pk]
        draft = WalletDraft(wallets[organisation.pk], lots, at=at)
        reopened = undo(draft, pasts[organisation.pk])[old]
        given = draft.spend(amount, reference=new, started_at=START, reopened=reopened)
        draft.owe(amount - given, reference=new, event_at=START)
        post_drafts(wallets, [draft], at=at)


def lines(**only: object) -> list[tuple[str, int | None, int, str]]:
    entries = LedgerEntry.objects.filter(**only).order_by("wallet_seq")
    return [(e.kind, e.lot_id, e.amount, e.reference) for e in entries]


def wallet_of(organisation: Organisation) -> tuple[int, int, int]:
    wallet = Wallet.objects.get(pk=organisation.pk)
    return wallet.credit, wallet.lapsed, wallet.debt


def test_undoing_a_spend_returns_the_money_to_its_lots(formosa: Organisation) -> None:
    soon, late = make_lot(formosa, "1", months=1), make_lot(formosa, "1", months=2)
    call(formosa, "7", 1_500_000)
    assert reverse(formosa, "7") == 1_500_000
    undone = LedgerEntry.objects.filter(reverses__isnull=False)
    assert [(e.kind, e.lot_id, e.amount) for e in undone] == [
        ("spend", late.pk, 500_000),
        ("spend", soon.pk, 1_000_000),
    ]
    assert {e.reference for e in undone} == {"call:7#1:undo"}
    for lot in (soon, late):
        lot.refresh_from_db()
        assert (lot.remaining, lot.exhausted_at) == (1_000_000, None)


def test_undoing_twice_or_something_unknown_does_nothing(
    formosa: Organisation,
) -> None:
    make_lot(formosa, "1")
    call(formosa, "7", 500_000)
    assert reverse(formosa, "7") == 500_000
    assert reverse(formosa, "7") == 0
    assert reverse(formosa, "8") == 0
    assert LedgerEntry.objects.count() == 3


def test_undoing_a_debt_that_is_still_owed_cancels_it(formosa: Organisation) -> None:
    call(formosa, "7", 5)
    call(formosa, "8", 3)
    assert reverse(formosa, "7") == 5
    assert wallet_of(formosa) == (0, 0, 3)


def test_undoing_a_paid_debt_reverses_its_payment_first(formosa: Organisation) -> None:
    call(formosa, "7", 5_000_000)
    lot = make_lot(formosa, "50", reference="gift:1")
    assert reverse(formosa, "7") == 5_000_000
    assert lines(reverses__isnull=False) == [
        ("pay_debt", None, -5_000_000, "gift:1:debt:undo"),
        ("pay_debt", lot.pk, 5_000_000, "gift:1:debt:undo"),
        ("debt", None, 5_000_000, "call:7#1:undo"),
    ]
    assert wallet_of(formosa) == (50_000_000, 0, 0)


def test_a_payment_keeps_what_it_paid_for_other_calls(formosa: Organisation) -> None:
    call(formosa, "7", 10_000_000)
    call(formosa, "8", 5_000_000)
    lot = make_lot(formosa, "20")
    assert reverse(formosa, "7") == 10_000_000
    lot.refresh_from_db()
    assert lot.remaining == 15_000_000
    assert wallet_of(formosa) == (15_000_000, 0, 0)
    kept = lines(reference="call:7#1:kept")
    assert kept == [
        ("pay_debt", lot.pk, -5_000_000, "call:7#1:kept"),
        ("pay_debt", None, 5_000_000, "call:7#1:kept"),
    ]


def test_the_newest_payments_are_reversed_first(formosa: Organisation) -> None:
    call(formosa, "7", 30_000_000)
    first = make_lot(formosa, "10", months=1)
    second = make_lot(formosa, "10", months=3)
    third = make_lot(formosa, "10", months=2)
    call(formosa, "8", 4_000_000)
    assert reverse(formosa, "8") == 4_000_000
    assert wallet_of(formosa) == (0, 0, 0)
    assert reverse(formosa, "7") == 30_000_000
    undone = [lot for _, lot, amount, _ in lines(reverses__isnull=False) if lot]
    assert undone == [third.pk, second.pk, first.pk]


def test_a_later_debt_is_paid_from_what_an_undoing_returns(
    formosa: Organisation,
) -> None:
    """Rule 3.6: debt > 0 means that no lot could pay."""
    lot = make_lot(formosa, "10")
    call(formosa, "7", 10_000_000)
    call(formosa, "8", 4_000_000)
    assert wallet_of(formosa) == (0, 0, 4_000_000)
    assert reverse(formosa, "7") == 10_000_000
    assert wallet_of(formosa) == (6_000_000, 0, 0)
    assert lines(reference="call:7#1:undo:debt") == [
        ("pay_debt", lot.pk, -4_000_000, "call:7#1:undo:debt"),
        ("pay_debt", None, 4_000_000, "call:7#1:undo:debt"),
    ]


def test_a_payment_made_by_an_undoing_can_itself_be_reversed(
    formosa: Organisation,
) -> None:
    make_lot(formosa, "10")
    call(formosa, "7", 10_000_000)
    call(formosa, "8", 4_000_000)
    reverse(formosa, "7")
    assert reverse(formosa, "8") == 4_000_000
    assert wallet_of(formosa) == (10_000_000, 0, 0)


def test_a_debt_paid_by_an_older_payment_can_be_undone(formosa: Organisation) -> None:
    """Undoing an old debt while a new one is open leaves its payment to the new one."""
    call(formosa, "old", 10_000_000)
    make_lot(formosa, "10")
    call(formosa, "new", 10_000_000)
    assert reverse(formosa, "old") == 10_000_000
    assert wallet_of(formosa) == (0, 0, 0)
    assert reverse(formosa, "new") == 10_000_000
    assert wallet_of(formosa) == (10_000_000, 0, 0)


def test_money_returned_to_a_posted_lot_reverses_its_expiry(
    formosa: Organisation,
) -> None:
    lot = make_lot(formosa, "10", months=1)
    call(formosa, "7", 4_000_000)
    later = lot.expires_at + 10 * DAY
    expire_due_lots(later)
    assert wallet_of(formosa) == (0, 0, 0)
    reverse(formosa, "7", at=later)
    # Nothing is spendable again, and nothing is lost track of.
    assert wallet_of(formosa) == (10_000_000, 10_000_000, 0)
    assert read_balance(formosa.pk, later).balance == 0
    assert post_expired_lots(later) == 1
    assert lines(kind=EntryKind.EXPIRE) == [
        ("expire", lot.pk, -6_000_000, f"expire:{lot.pk}#1"),
        ("expire", lot.pk, 6_000_000, f"expire:{lot.pk}#1:undo"),
        ("expire", lot.pk, -10_000_000, f"expire:{lot.pk}#2"),
    ]


def test_money_returned_to_a_lot_used_up_before_it_expired_lapses(
    formosa: Organisation,
) -> None:
    lot = make_lot(formosa, "10", months=1)
    call(formosa, "7", 10_000_000)
    at = lot.expires_at + 10 * DAY
    reverse(formosa, "7", at=at)
    assert read_balance(formosa.pk, at).balance == 0
    assert lapse_due_lots(at) == 1
    assert post_expired_lots(at) == 1
    assert wallet_of(formosa) == (0, 0, 0)


def test_a_correction_draws_from_the_lot_its_call_had_drawn_from(
    formosa: Organisation,
) -> None:
    """The customer must not pay again because the lot has expired since."""
    lot = make_lot(formosa, "10", months=1)
    fresh = make_lot(formosa, "10", months=12)
    call(formosa, "7", 4_000_000)
    at = lot.expires_at + 30 * DAY
    expire_due_lots(at)
    correct(formosa, "7", 3_000_000, at=at)
    fresh.refresh_from_db()
    assert fresh.remaining == 10_000_000
    assert lines(reference="call:7#2") == [("spend", lot.pk, -3_000_000, "call:7#2")]
    expire_due_lots(at)
    assert read_balance(formosa.pk, at).balance == 10_000_000


def test_a_dearer_correction_takes_the_rest_from_other_lots(
    formosa: Organisation,
) -> None:
    lot = make_lot(formosa, "1", months=1)
    fresh = make_lot(formosa, "10", months=12)
    call(formosa, "7", 1_000_000)
    correct(formosa, "7", 3_000_000, at=lot.expires_at + 30 * DAY)
    fresh.refresh_from_db()
    assert fresh.remaining == 8_000_000


def test_a_forgiven_debt_stays_forgiven_where_it_was_owed(
    formosa: Organisation,
) -> None:
    call(formosa, "7", 10)
    call(formosa, "8", 5)
    forgive_debt(
        formosa.pk,
        15,
        reference="adjust:1",
        reason="An outage of our own switch.",
        at=START,
        actor=make_user(is_staff=True),
    )
    reverse(formosa, "7")
    assert wallet_of(formosa) == (0, 0, 0)
    assert lines(reference="call:7#1:kept") == [("adjust", None, 5, "call:7#1:kept")]


def test_several_events_are_undone_at_once(formosa: Organisation) -> None:
    lot = make_lot(formosa, "1")
    for name in "789":
        call(formosa, name, 600_000)
    make_lot(formosa, "5", months=2)
    with transaction.atomic():
        wallets = {formosa.pk: lock_wallet(formosa.pk)}
        names = [f"call:{name}#1" for name in "89"]
        pasts = read_pasts(wallets, {formosa.pk: names})
        lots = read_live_lots([formosa.pk], at=START)[formosa.pk]
        draft = WalletDraft(wallets[formosa.pk], lots, at=START)
        reopened = undo(draft, pasts[formosa.pk])
        post_drafts(wallets, [draft], at=START)
    assert reopened == {"call:8#1": frozenset({lot.pk}), "call:9#1": frozenset()}
    assert wallet_of(formosa) == (5_400_000, 0, 0)
    assert Lot.objects.get(pk=lot.pk).remaining == 400_000
