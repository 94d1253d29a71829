"""Whatever happens, in whatever order: the ledger adds up after every step."""

from datetime import datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.models import Organisation
from credits.expire import lapse_due_lots, post_expired_lots
from credits.models import EntryKind, LedgerEntry, Wallet
from credits.prove import prove
from credits.reverse import reverse_event
from credits.spend import spend
from credits.statement import read_balance
from tests.makers import START, make_lot, make_organisation

amounts = st.integers(1, 30)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("give"), amounts, st.integers(1, 3)),
        st.tuples(st.just("spend"), amounts, st.integers(0, 100)),
        st.tuples(st.just("undo"), st.integers(0, 9), st.just(0)),
        st.tuples(st.just("wait"), st.integers(1, 40), st.just(0)),
        st.tuples(st.just("sweep"), st.just(0), st.just(0)),
    ),
    min_size=3,
    max_size=14,
)
few = settings(
    max_examples=40,
    deadline=None,
    # Every example is many transactions: shrinking one would take minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


class Life:
    """Plays steps on one wallet and keeps its own simple account of them."""

    def __init__(self) -> None:
        self.organisation = make_organisation()
        self.now = START
        self.issued = 0
        self.calls: dict[str, int] = {}

    def play(self, kind: str, first: int, second: int) -> None:
        getattr(self, kind)(first, second)

    def give(self, amount: int, months: int) -> None:
        make_lot(self.organisation, f"0.0000{amount:02}", months=months, at=self.now)
        self.issued += amount

    def spend(self, amount: int, hours_ago: int) -> None:
        reference = f"call:{len(self.calls)}#1"
        self.calls[reference] = amount
        spend(
            self.organisation,
            amount=amount,
            reference=reference,
            started_at=self.now - timedelta(hours=hours_ago),
            at=self.now,
        )

    def undo(self, index: int, _: int) -> None:
        reference = f"call:{index}#1"
        reverse_event(self.organisation.pk, reference, at=self.now)
        if reference in self.calls:
            self.calls[reference] = 0

    def wait(self, days: int, _: int) -> None:
        self.now += timedelta(days=days)

    def sweep(self, *_: int) -> None:
        lapse_due_lots(self.now)
        post_expired_lots(self.now)

    def expired(self) -> int:
        posted = LedgerEntry.objects.filter(
            organisation=self.organisation, kind=EntryKind.EXPIRE
        )
        return -sum(posted.values_list("amount", flat=True))


@pytest.mark.django_db
@few
@given(steps=steps)
def test_the_ledger_adds_up_after_every_step(steps: list[tuple[str, int, int]]) -> None:
    with transaction.atomic():
        life = Life()
        for step in steps:
            life.play(*step)
            assert prove(life.organisation.pk, at=life.now).breaches == []
            wallet = Wallet.objects.get(pk=life.organisation.pk)
            kept = life.issued - sum(life.calls.values()) - life.expired()
            assert wallet.ledger_balance == kept
        transaction.set_rollback(True)


@pytest.mark.django_db
@few
@given(steps=steps)
def test_undoing_every_call_gives_everything_back(
    steps: list[tuple[str, int, int]],
) -> None:
    with transaction.atomic():
        life = Life()
        for step in steps:
            life.play(*step)
        for index in range(len(life.calls)):
            life.undo(index, 0)
        wallet = Wallet.objects.get(pk=life.organisation.pk)
        assert wallet.debt == 0
        assert wallet.credit == life.issued - life.expired()
        assert prove(life.organisation.pk, at=life.now).breaches == []
        transaction.set_rollback(True)


@pytest.mark.django_db
@few
@given(
    calls=st.lists(st.tuples(amounts, st.integers(0, 48)), min_size=2, max_size=6),
    data=st.data(),
)
def test_order_of_arrival_does_not_change_the_balance(
    calls: list[tuple[int, int]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(calls))
    with transaction.atomic():
        assert balance_after(calls) == balance_after(shuffled)
        transaction.set_rollback(True)


def balance_after(calls: list[tuple[int, int]]) -> tuple[int, int]:
    organisation = make_organisation()
    make_lot(organisation, "0.000040", months=1)
    make_lot(organisation, "0.000040", months=2)
    for number, (amount, hours) in enumerate(calls):
        _call(organisation, number, amount, START + timedelta(hours=hours))
    balance = read_balance(organisation.pk, START + timedelta(days=3))
    return balance.balance, balance.debt


def _call(
    organisation: Organisation, number: int, amount: int, started_at: datetime
) -> None:
    spend(
        organisation,
        amount=amount,
        reference=f"call:{number}#1",
        started_at=started_at,
        at=START + timedelta(days=3),
    )
