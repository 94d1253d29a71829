"""Plays any steps, in any order, on Tollgate and on the model, and compares (R1)."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any

from django.db import connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from accounts.models import BillingMode, BillingModePeriod, Organisation, Role
from billing import prove as billing_prove
from billing.models import StripeInbox, TopUp
from billing.promotional import grant_promotional_credit
from billing.refusals import CreditsNotForSale
from billing.top_up import start_top_up
from billing.work_event import work_event
from credits import prove as credits_prove
from credits.expire import expire_due_lots
from credits.models import Lot
from credits.refusals import CreditsNotHeld
from credits.spend import spend
from credits.statement import read_balance
from tests import makers
from tests.state_machine.memory_stripe import Event, MemoryStripe
from tests.state_machine.model import ModelWallet

ONE = 1_000_000  # micros
READS = ("SELECT", "SAVEPOINT", "RELEASE", "PRAGMA", "SHOW")
_numbers = count(1)

prices = st.sampled_from([50 * ONE, 100 * ONE, 250 * ONE])
call_costs = st.sampled_from([1, 370_000, 12 * ONE, 80 * ONE, 400 * ONE])
endings = st.sampled_from(
    ["succeeded", "requires_payment_method", "processing", "canceled"]
)

edges = st.sampled_from(
    [timedelta(minutes=-1), *(timedelta(hours=h) for h in (0, 1, 69, 71, 72, 73))]
)
waits = [
    timedelta(minutes=7),
    timedelta(days=1),
    timedelta(days=40),
    timedelta(days=200),
]


class WalletMachine(RuleBasedStateMachine):
    """One prepaid organisation and its wallet, from its first day on."""

    stripe: MemoryStripe  # set by the test that runs the machine

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.has_written = True
        self.watch = connection.execute_wrapper(self._watch)
        self.watch.__enter__()
        self.now = makers.START
        self.organisation = makers.make_organisation(at=self.now)
        self.owner = makers.make_user()
        self.staff = makers.make_user(is_staff=True)
        makers.make_member(self.organisation, self.owner, Role.OWNER)
        makers.make_terms(maximum_balance="1000000")
        self.model = ModelWallet()
        self.credited: set[str] = set()
        self.open_orders: list[TopUp] = []

    def teardown(self) -> None:
        self.watch.__exit__(None, None, None)
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    @initialize(amount=prices)
    def open_with_credit(self, amount: int) -> None:
        self.buy(amount, 1)
        self.gift(amount, 12)

    # --- money in ---------------------------------------------------------------------

    @precondition(lambda self: self.is_prepaid)
    @rule(amount=prices)
    def order(self, amount: int) -> None:
        self.open_orders.append(self._start(amount))

    @precondition(lambda self: self.is_prepaid)
    @rule(amount=prices, times=st.integers(1, 3))
    def buy(self, amount: int, times: int) -> None:
        """The usual course: paid at the page, told of at once, now and then twice."""
        self.stripe.pay(self._start(amount), "succeeded")
        for _again in range(times):
            self._deliver(self.stripe.events[-1])

    @precondition(lambda self: not self.is_prepaid)
    @rule(amount=prices)
    def order_on_nce(self, amount: int) -> None:
        try:
            self._start(amount)
        except CreditsNotForSale:
            return
        raise AssertionError("An NCE organisation bought credits (rule 2.1).")

    @precondition(lambda self: self.open_orders)
    @rule(chosen=st.integers(0, 9), ending=endings)
    def pay(self, chosen: int, ending: str) -> None:
        top_up = self.open_orders[chosen % len(self.open_orders)]
        self.stripe.pay(top_up, ending)
        if ending != "requires_payment_method":
            self.open_orders.remove(top_up)

    @precondition(lambda self: self.open_orders)
    @rule(chosen=st.integers(0, 9))
    def abandon(self, chosen: int) -> None:
        top_up = self.open_orders.pop(chosen % len(self.open_orders))
        self.stripe.expire_checkout(top_up.stripe_session_id)

    @precondition(lambda self: self._processing())
    @rule(ending=st.sampled_from(["succeeded", "requires_payment_method"]))
    def settle_payment(self, ending: str) -> None:
        self.stripe.settle(self._processing()[0], ending)

    @precondition(lambda self: self.stripe.events)
    @rule(chosen=st.integers(0, 99), times=st.integers(1, 3))
    def deliver(self, chosen: int, times: int) -> None:
        """Any event, old or new: they come twice, late and in any order."""
        event = self.stripe.events[chosen % len(self.stripe.events)]
        for _again in range(times):
            self._deliver(event)

    @precondition(lambda self: self.stripe.events)
    @rule()
    def deliver_newest(self) -> None:
        self._deliver(self.stripe.events[-1])

    @rule(amount=prices, months=st.sampled_from([1, 12, 12, 24]))
    def gift(self, amount: int, months: int) -> None:
        number = next(_numbers)
        try:
            lot = grant_promotional_credit(
                self.organisation,
                amount,
                months=months,
                reason="A gift of the machine.",
                actor=self.staff,
                token=f"gift-{number}",
                at=self.now,
            )
        except CreditsNotHeld:
            assert not self.is_prepaid
            return
        assert self.is_prepaid
        self.model.add(f"gift-{number}", amount, lot.expires_at, is_gift=True)
        self.model.pay_debt(self.now)

    # --- money out --------------------------------------------------------------------

    @rule(amount=call_costs, hours_ago=st.sampled_from([0, 0, 0, 1, 30, 71, 80]))
    def call(self, amount: int, hours_ago: int) -> None:
        started_at = self.now - timedelta(hours=hours_ago)
        spend(
            self.organisation,
            amount=amount,
            reference=f"call:{next(_numbers)}#1",
            started_at=started_at,
            at=self.now,
        )
        self.model.call(amount, started_at=started_at, at=self.now)
        self.model.pay_debt(self.now)

    @rule(ahead=st.sampled_from(waits))
    def wait(self, ahead: timedelta) -> None:
        self.now += ahead

    @precondition(lambda self: self.model.spendable(self.now))
    @rule(after=edges)
    def wait_for_expiry(self, after: timedelta) -> None:
        """To the edge of what a lot allows, where the mistakes are."""
        edge = self.model.spendable(self.now)[0].expires_at + after
        self.now = max(self.now, edge)

    @rule()
    def sweep(self) -> None:
        expire_due_lots(self.now)
        self.model.sweep(self.now)

    @precondition(lambda self: self.is_prepaid)
    @rule(really=st.integers(0, 5))
    def move_to_nce(self, really: int) -> None:
        if really:  # one in six: a life on NCE has no more purchases to offer
            return
        BillingModePeriod.objects.filter(
            organisation=self.organisation, ends_at=None
        ).update(ends_at=self.now + timedelta(microseconds=1))
        BillingModePeriod.objects.create(
            organisation=self.organisation,
            billing_mode=BillingMode.NCE,
            starts_at=self.now + timedelta(microseconds=1),
        )
        Organisation.objects.filter(pk=self.organisation.pk).update(
            billing_mode=BillingMode.NCE
        )
        self.organisation.refresh_from_db()
        self.now += timedelta(minutes=2)

    # --- after every step -------------------------------------------------------------

    @invariant()
    def balances_agree(self) -> None:
        found = read_balance(self.organisation.pk, self.now)
        assert found.balance == self.model.balance(self.now)
        assert found.debt == self.model.debt

    @invariant()
    def lots_agree(self) -> None:
        lots = Lot.objects.filter(organisation=self.organisation).live()
        assert sorted(lots.values_list("expires_at", "remaining")) == sorted(
            (lot.expires_at, lot.remaining) for lot in self.model.lots if lot.remaining
        )

    @invariant()
    def everything_is_proven(self) -> None:
        """What wrote nothing cannot have broken anything, so it is not proven again."""
        if not self.has_written:
            return
        self.has_written = False
        for prove in (credits_prove.prove, billing_prove.prove):
            assert prove(self.organisation.pk, at=self.now).breaches == []

    # --- parts ------------------------------------------------------------------------

    @property
    def is_prepaid(self) -> bool:
        return self.organisation.buys_credits

    def _watch(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        """Sees every statement, also those that Django does not write."""
        self.has_written |= not sql.lstrip().upper().startswith(READS)
        return execute(sql, *rest)

    def _start(self, amount: int) -> TopUp:
        return start_top_up(
            self.organisation,
            amount,
            client_key=f"machine:{next(_numbers)}",
            actor=self.owner,
            language="en",
            at=self.now,
        )

    def _processing(self) -> list[str]:
        return [
            payment.id
            for payment in self.stripe.payments.values()
            if payment.status == "processing"
        ]

    def _deliver(self, event: Event) -> None:
        inbox = StripeInbox.objects.create(
            event_id=f"evt_{next(_numbers)}",
            type=event.type,
            payload={"data": {"object": {"id": event.about}}},
            received_at=self.now,
        )
        work_event(inbox.pk, at=self.now)
        payment = self.stripe.payments.get(
            self.stripe.pages[event.about].payment_id
            if event.about in self.stripe.pages
            else event.about
        )
        if payment is None or not payment.is_paid or payment.id in self.credited:
            return
        self.credited.add(payment.id)
        self.model.add(payment.id, payment.received, a_year_after(self.now, self))
        self.model.pay_debt(self.now)


def a_year_after(at: datetime, machine: WalletMachine) -> datetime:
    """The start of the day after the same date next year, where the customer is."""
    zone = machine.organisation.zone
    day = at.astimezone(zone).date()
    is_leap_day = (day.month, day.day) == (2, 29)
    last = date(day.year + 1, day.month, 28 if is_leap_day else day.day)
    return datetime.combine(last + timedelta(days=1), time(), zone).astimezone(UTC)
