"""Two of the staff adjust: one asks, another confirms, within a day (rule 3.9)."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission

from accounts.models import AuditEvent, Organisation, StaffTask, User
from credits.ask_adjustment import (
    LIFETIME,
    Subject,
    ask_adjustment,
    confirm_adjustment,
    find_request,
)
from credits.models import LedgerEntry, Lot, Wallet
from credits.money import to_micros
from credits.refusals import AskedByYou, MoreThanDebt, MoreThanUnheld, NothingAsked
from credits.spend import spend
from tests.makers import START, make_lot, make_user

WHY = "Issued by mistake, case 1234."
THREE = to_micros(3)


def make_staff(email: str, *, may: bool = True) -> User:
    user = make_user(email, is_staff=True)
    if may:
        user.user_permissions.add(Permission.objects.get(codename="add_ledgerentry"))
    return user


@pytest.fixture
def sue(db: None) -> User:
    return make_staff("sue@provider.example")


@pytest.fixture
def tom(db: None) -> User:
    return make_staff("tom@provider.example")


def ask(subject: Subject, actor: User, amount: int = THREE) -> bool:
    return ask_adjustment(subject, amount, token="t", reason=WHY, actor=actor, at=START)


def confirm(subject: Subject, actor: User, after: timedelta = timedelta()) -> int:
    how = {"reason": WHY, "actor": actor, "at": START + after}
    return confirm_adjustment(subject, "adjust:t", **how)  # type: ignore[arg-type]


def test_what_one_asks_another_confirms(
    formosa: Organisation, sue: User, tom: User
) -> None:
    lot = make_lot(formosa, "10")
    assert not ask(lot, sue)
    lot.refresh_from_db()
    assert lot.remaining == to_micros(10)  # asking moves nothing
    task = StaffTask.objects.get(kind="adjustment")
    assert "US$3.00" in task.detail
    assert WHY in task.detail
    found = find_request(lot, START)
    assert found is not None
    assert (found.asked_by, found.amount, found.reason) == (sue, THREE, WHY)
    assert confirm(lot, tom) == THREE
    lot.refresh_from_db()
    assert lot.remaining == to_micros(7)
    entry = LedgerEntry.objects.get(kind="adjust")
    assert (entry.reference, entry.actor) == ("adjust:t", tom)
    task.refresh_from_db()
    assert task.done_by == tom
    asked = AuditEvent.objects.get(verb="ask_adjustment")
    assert (asked.actor, asked.object) == (sue, f"lot {lot.pk}")
    assert AuditEvent.objects.get(verb="lower_lot").actor == tom
    assert find_request(lot, START) is None


def test_who_asks_does_not_confirm(formosa: Organisation, sue: User, tom: User) -> None:
    lot = make_lot(formosa, "10")
    ask(lot, sue)
    with pytest.raises(AskedByYou):
        confirm(lot, sue)
    assert not LedgerEntry.objects.filter(kind="adjust").exists()


def test_whoever_is_alone_adjusts_at_once(formosa: Organisation, sue: User) -> None:
    make_staff("clerk@provider.example", may=False)
    User.objects.create_superuser("gone@provider.example", is_active=False)
    lot = make_lot(formosa, "10")
    assert ask(lot, sue)
    lot.refresh_from_db()
    assert lot.remaining == to_micros(7)
    assert not StaffTask.objects.exists()


def test_who_asked_and_is_alone_now_confirms(
    formosa: Organisation, sue: User, tom: User
) -> None:
    lot = make_lot(formosa, "10")
    ask(lot, sue)
    User.objects.filter(pk=tom.pk).update(is_active=False)
    assert confirm(lot, sue) == THREE


def test_debt_is_forgiven_by_two(formosa: Organisation, sue: User, tom: User) -> None:
    spend(formosa, amount=THREE, reference="c#1", started_at=START, at=START)
    wallet = Wallet.objects.get(pk=formosa.pk)
    with pytest.raises(MoreThanDebt):
        ask(wallet, sue, THREE + 1)
    assert not ask(wallet, sue)
    assert confirm(wallet, tom) == THREE
    wallet.refresh_from_db()
    assert wallet.debt == 0


def test_a_second_click_is_the_same_request(
    formosa: Organisation, sue: User, tom: User
) -> None:
    lot = make_lot(formosa, "10")
    for _twice in range(2):
        assert not ask(lot, sue)
    assert StaffTask.objects.count() == 1
    confirm(lot, tom)
    assert not ask(lot, sue)  # the old page once more
    with pytest.raises(NothingAsked):
        confirm(lot, tom)
    assert LedgerEntry.objects.filter(kind="adjust").count() == 1


def test_a_request_ends_after_a_day_or_when_it_is_withdrawn(
    formosa: Organisation, sue: User, tom: User
) -> None:
    lot = make_lot(formosa, "10")
    ask(lot, sue)
    with pytest.raises(NothingAsked):
        confirm(lot, tom, LIFETIME)
    StaffTask.objects.update(done_at=START, done_by=sue)
    with pytest.raises(NothingAsked):
        confirm(lot, tom)
    lot.refresh_from_db()
    assert lot.remaining == to_micros(10)


def test_what_is_gone_when_it_is_confirmed_is_refused(
    formosa: Organisation, sue: User, tom: User
) -> None:
    lot = make_lot(formosa, "10")
    ask(lot, sue)
    spend(formosa, amount=8_000_000, reference="c#1", started_at=START, at=START)
    with pytest.raises(MoreThanUnheld):
        confirm(lot, tom)
    assert StaffTask.objects.get().done_at is None  # all of it, or nothing


def test_a_request_is_for_its_own_lot(
    formosa: Organisation, sue: User, tom: User
) -> None:
    lot, other = make_lot(formosa, "10"), make_lot(formosa, "10")
    ask(lot, sue)
    with pytest.raises(NothingAsked):
        confirm(other, tom)
    assert Lot.objects.filter(remaining=to_micros(10)).count() == 2


@pytest.mark.parametrize("amount", [0, -1, 10_000_001])
def test_nobody_asks_for_more_than_there_is(
    formosa: Organisation, sue: User, tom: User, amount: int
) -> None:
    with pytest.raises(MoreThanUnheld):
        ask(make_lot(formosa, "10"), sue, amount)
    assert not StaffTask.objects.exists()
