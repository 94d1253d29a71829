"""The database itself refuses: every door is raw SQL, on both engines (decision 2)."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts.fences import absent_fences, fence_names
from accounts.models import Organisation
from accounts.refusals import fence_code
from credits.models import LedgerEntry, Lot, LotKind, Wallet
from credits.spend import spend
from tests.flushing.management.commands.flush import fences_lifted
from tests.makers import START, make_lot, make_organisation

ENTRY = (
    "INSERT INTO credits_ledgerentry (organisation_id, wallet_seq, kind, lot_id,"
    " amount, balance_after, reference, event_at, booked_at, note) VALUES"
)


@pytest.fixture
def lot(formosa: Organisation) -> Lot:
    """Half of it is spent, so there is something to move either way."""
    lot = make_lot(formosa, "10", reference="gift:1")
    spend(formosa, amount=5_000_000, reference="c#1", started_at=START, at=START)
    return lot


def run(sql: str, **values: str | int | None) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)


def state() -> list[object]:
    tables = (LedgerEntry, Lot, Wallet)
    return [list(model.objects.order_by("pk").values_list()) for model in tables]


def refusal(sql: str, **values: str | int | None) -> str:
    """The code of the fence that stops a statement; nothing has changed afterwards."""
    before = state()
    with pytest.raises(IntegrityError) as refused:
        run(sql, **values)
    assert state() == before
    return fence_code(refused.value)


@pytest.mark.parametrize(
    ("code", "sql"),
    [
        ("entry_append_only", "UPDATE credits_ledgerentry SET amount = amount * 2"),
        ("entry_append_only", "UPDATE credits_ledgerentry SET note = 'x'"),
        ("entry_append_only", "UPDATE credits_ledgerentry SET lot_id = NULL"),
        ("entry_append_only", "DELETE FROM credits_ledgerentry"),
        ("lot_moved_by_entries", "UPDATE credits_lot SET remaining = remaining - 1"),
        ("lot_moved_by_entries", "UPDATE credits_lot SET remaining = original"),
        ("lot_moved_by_entries", "UPDATE credits_lot SET moved_by = moved_by + 1"),
        (
            "lot_moved_by_entries",
            "UPDATE credits_lot SET remaining = remaining - 1, moved_by = moved_by + 1",
        ),
        ("lot_moved_by_entries", "DELETE FROM credits_lot"),
        ("wallet_moved_by_entries", "UPDATE credits_wallet SET credit = credit + 1"),
        ("wallet_moved_by_entries", "UPDATE credits_wallet SET debt = debt + 1"),
        ("wallet_moved_by_entries", "UPDATE credits_wallet SET moved_by = 9999"),
        (
            "wallet_moved_by_entries",
            "UPDATE credits_wallet SET credit = credit + 1, moved_by = moved_by + 1",
        ),
        ("wallet_moved_by_entries", "DELETE FROM credits_wallet"),
        ("lot_terms_fixed", "UPDATE credits_lot SET kind = 'restored'"),
        ("lot_terms_fixed", "UPDATE credits_lot SET original = original + 1"),
        ("lot_terms_fixed", "UPDATE credits_lot SET reference = 'other'"),
        ("lot_terms_fixed", "UPDATE credits_lot SET currency = 'EUR'"),
        ("lot_terms_fixed", "UPDATE credits_lot SET sale_id = 1"),
        ("wallet_terms_fixed", "UPDATE credits_wallet SET currency = 'EUR'"),
        (
            "lot_exhausted_when_empty",
            "UPDATE credits_lot SET exhausted_at = '2026-01-01 00:00:00'",
        ),
        (
            "lot_lapsed_after_expiry",
            "UPDATE credits_lot SET lapsed_at = '2026-01-01 00:00:00'",
        ),
        ("wallet_amounts_not_negative", "UPDATE credits_wallet SET lapsed = -1"),
    ],
)
def test_a_statement_that_moves_money_by_hand_is_refused(
    lot: Lot, code: str, sql: str
) -> None:
    assert refusal(sql) == code


def test_a_lot_does_not_change_hands(lot: Lot, contoso: Organisation) -> None:
    sql = "UPDATE credits_lot SET organisation_id = %(to)s"
    assert refusal(sql, to=contoso.pk) == "lot_terms_fixed"


@pytest.mark.parametrize(
    ("code", "entry"),
    [
        ("lot_remaining_range", ("spend", "mine", -6_000_000, "c#2")),
        ("lot_remaining_range", ("promotional", "mine", 6_000_000, "gift:2")),
        ("entry_names_own_lot", ("spend", "theirs", -1, "c#2")),
        ("entry_names_own_lot", ("spend", "nobody's", -1, "c#2")),
        ("entry_sign_fits_kind", ("spend", "mine", 1, "c#2")),
        ("entry_sign_fits_kind", ("promotional", "mine", -1, "gift:2")),
        ("entry_sign_fits_kind", ("pay_debt", "mine", 1, "c#2")),
        ("entry_sign_fits_kind", ("debt", None, 1, "c#2")),
        ("entry_sign_fits_kind", ("spend", "mine", 0, "c#2")),
        ("entry_sign_fits_kind", ("mystery", "mine", -1, "c#2")),
        ("wallet_amounts_not_negative", ("adjust", None, 1, "c#2")),
        ("entry_once_per_lot", ("spend", "mine", -1, "c#1")),
    ],
)
def test_an_entry_that_breaks_a_rule_is_refused_whole(
    lot: Lot, code: str, entry: tuple[str, str | None, int, str]
) -> None:
    kind, lot_id, amount, reference = entry
    theirs = make_lot(make_organisation())
    ids = {"mine": lot.pk, "theirs": theirs.pk, "nobody's": 10**9, None: None}
    found = refusal(
        f"{ENTRY} (%(org)s, 3, %(kind)s, %(lot)s, %(amount)s, 0, %(ref)s,"
        " '2026-01-02 00:00:00', '2026-01-02 00:00:00', '')",
        org=lot.organisation_id,
        kind=kind,
        lot=ids[lot_id],
        amount=amount,
        ref=reference,
    )
    assert found == code


def test_a_second_debt_for_the_same_event_is_refused(formosa: Organisation) -> None:
    """Empty lots never collide in a plain unique key; hence a second one."""
    spend(formosa, amount=5, reference="c#1", started_at=START, at=START)
    found = refusal(
        f"{ENTRY} (%(org)s, 2, 'debt', NULL, -5, -10, 'c#1',"
        " '2026-01-02 00:00:00', '2026-01-02 00:00:00', '')",
        org=formosa.pk,
    )
    assert found == "entry_once_without_lot"


def test_an_entry_without_a_wallet_is_refused(lot: Lot) -> None:
    found = refusal(
        f"{ENTRY} (987654, 1, 'debt', NULL, -1, -1, 'c#9',"
        " '2026-01-02 00:00:00', '2026-01-02 00:00:00', '')"
    )
    assert found == "entry_names_own_lot"


def test_the_same_entry_number_twice_is_refused(lot: Lot) -> None:
    found = refusal(
        f"{ENTRY} (%(org)s, 2, 'spend', %(lot)s, -1, 0, 'c#2',"
        " '2026-01-02 00:00:00', '2026-01-02 00:00:00', '')",
        org=lot.organisation_id,
        lot=lot.pk,
    )
    assert found == "entry_once_per_seq"


def test_a_refused_row_takes_its_whole_statement_with_it(lot: Lot) -> None:
    values = "'2026-01-02 00:00:00', '2026-01-02 00:00:00', '')"
    found = refusal(
        f"{ENTRY} (%(org)s, 3, 'spend', %(lot)s, -1, 4999999, 'c#2', {values},"
        f" (%(org)s, 4, 'spend', 987654, -1, 4999998, 'c#3', {values}",
        org=lot.organisation_id,
        lot=lot.pk,
    )
    assert found == "entry_names_own_lot"


@pytest.mark.parametrize("column", ["remaining", "moved_by"])
def test_a_lot_is_born_empty(formosa: Organisation, column: str) -> None:
    lot = Lot(
        organisation=formosa,
        kind=LotKind.PROMOTIONAL,
        currency="USD",
        original=5,
        issued_at=START,
        expires_at=START + timedelta(days=9),
        time_zone="UTC",
        exhausted_at=None if column == "remaining" else START,
        reference="gift:9",
    )
    setattr(lot, column, 5)
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        lot.save()
    assert fence_code(refused.value) == "lot_moved_by_entries"
    assert not Lot.objects.exists()


@pytest.mark.parametrize("column", ["credit", "debt", "moved_by", "last_seq"])
def test_a_wallet_is_born_empty(formosa: Organisation, column: str) -> None:
    fields = [str(field.column) for field in Organisation._meta.fields]
    fresh = {"id": "987", "slug": "'x'", "account_code": "'X'"}
    copied = ", ".join(fresh.get(name, name) for name in fields)
    run(
        f"INSERT INTO accounts_organisation ({', '.join(fields)})"
        f" SELECT {copied} FROM accounts_organisation"
    )
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        Wallet.objects.create(organisation_id=987, currency="USD", **{column: 5})
    assert fence_code(refused.value) == "wallet_moved_by_entries"


def test_a_lot_has_its_wallets_currency(formosa: Organisation) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        Lot.objects.create(
            organisation=formosa,
            kind=LotKind.PROMOTIONAL,
            currency="EUR",
            original=5,
            issued_at=START,
            expires_at=START + timedelta(days=9),
            time_zone="UTC",
            exhausted_at=START,
            reference="gift:9",
        )
    assert fence_code(refused.value) == "lot_in_wallets_currency"


@pytest.mark.parametrize("many", [False, True])
def test_promotional_credit_for_nce_is_refused_by_the_database(
    contoso: Organisation,
    many: bool,
) -> None:
    lot = Lot(
        organisation=contoso,
        kind=LotKind.PROMOTIONAL,
        currency="USD",
        original=5,
        issued_at=START,
        expires_at=START + timedelta(days=9),
        time_zone="UTC",
        exhausted_at=START,
        reference="gift:9",
    )
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        Lot.objects.bulk_create([lot]) if many else lot.save()
    assert fence_code(refused.value) == "credits_not_held"


def test_saving_an_unmoved_lot_passes_and_a_stale_one_is_refused(
    formosa: Organisation, lot: Lot
) -> None:
    fresh = Lot.objects.get(pk=lot.pk)
    fresh.save()
    spend(formosa, amount=1, reference="c#2", started_at=START, at=START)
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        fresh.save()
    assert fence_code(refused.value) == "lot_moved_by_entries"


def test_ignoring_conflicts_does_not_ignore_the_fence(lot: Lot) -> None:
    """SQLite hands INSERT OR IGNORE on to the updates inside a trigger."""
    before = state()
    entry = LedgerEntry(
        organisation_id=lot.organisation_id,
        wallet_seq=3,
        kind="spend",
        lot=lot,
        amount=-6_000_000,
        balance_after=0,
        reference="c#2",
        event_at=START,
        booked_at=START,
    )
    with pytest.raises(DatabaseError) as refused, transaction.atomic():
        LedgerEntry.objects.bulk_create([entry], ignore_conflicts=True)
    assert fence_code(refused.value) == "lot_remaining_range"
    assert state() == before


@pytest.mark.skipif(
    connection.vendor != "sqlite", reason="REPLACE is SQLite's; others have no such."
)
@pytest.mark.parametrize("table", ["credits_ledgerentry", "credits_lot"])
def test_replacing_a_row_is_deleting_it(lot: Lot, table: str) -> None:
    sql = f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"
    code = "entry_append_only" if "entry" in table else "lot_moved_by_entries"
    assert refusal(sql) == code


@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has no TRUNCATE statement."
)
@pytest.mark.parametrize(
    ("table", "code"),
    [
        ("credits_ledgerentry", "entry_append_only"),
        ("credits_lot", "lot_moved_by_entries"),
        ("credits_wallet", "wallet_moved_by_entries"),
    ],
)
def test_truncating_is_refused(lot: Lot, table: str, code: str) -> None:
    # Foreign keys wait for the end of the transaction and would block it before us.
    run("SET CONSTRAINTS ALL IMMEDIATE")
    assert refusal(f"TRUNCATE {table}") == code


def test_using_up_a_lot_marks_it_and_giving_back_clears_it(
    formosa: Organisation, lot: Lot
) -> None:
    spend(formosa, amount=5_000_000, reference="c#2", started_at=START, at=START)
    lot.refresh_from_db()
    assert lot.exhausted_at == START
    entry = LedgerEntry.objects.get(reference="c#2")
    run(
        f"{ENTRY.replace('note)', 'note, reverses_id)')} (%(org)s, 4, 'spend', %(lot)s,"
        " 5000000, 5000000, 'c#2:undo', '2026-01-02 00:00:00',"
        " '2026-01-02 00:00:00', '', %(entry)s)",
        org=lot.organisation_id,
        lot=lot.pk,
        entry=entry.pk,
    )
    Wallet.objects.update(last_seq=4, next_expiry_at=lot.expires_at)
    again = Lot.objects.get(pk=lot.pk)
    assert (again.remaining, again.exhausted_at) == (5_000_000, None)


def test_every_fence_stands() -> None:
    names = fence_names("credits")
    assert {"entry_apply", "lot_moved_by_entries", "wallet_moved_by_entries"} <= names
    assert {"entry_append_only", "lot_born_empty", "lot_terms_fixed"} <= names


@pytest.mark.django_db
@pytest.mark.parametrize("app", ["accounts", "credits", "calling", "billing"])
def test_no_app_lacks_a_fence(app: str) -> None:
    assert absent_fences(app) == []


@pytest.mark.django_db
def test_a_lifted_fence_is_noticed(breached: None) -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            on = " ON credits_ledgerentry" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER entry_append_only{on}")
        assert absent_fences("credits") == ["entry_append_only"]


@pytest.mark.django_db
def test_fences_come_back_after_they_were_lifted(lot: Lot) -> None:
    with fences_lifted(connection):
        pass
    assert absent_fences("credits") == []
    assert refusal("DELETE FROM credits_ledgerentry") == "entry_append_only"
