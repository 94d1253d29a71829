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
from billing.models import (
    AutoRecharge,
    Dispute,
    PaymentMethod,
    RechargeCause,
    Refund,
    StripeInbox,
    TopUp,
)
from billing.promotional import grant_promotional_credit
from billing.recharging.auto_recharge import (
    save_auto_recharge,
    switch_off_auto_recharge,
)
from billing.recharging.recharge import go_on_with_recharges, recharge_if_wanted
from billing.recharging.recharge_settings import RechargeSettings
from billing.refusals import (
    CreditsNotForSale,
    DisputeOpen,
    MoreThanRefundable,
    PaymentsUnavailable,
)
from billing.reversing.refund import refund_top_up
from billing.reversing.sweep_reversals import go_on_with_refunds
from billing.top_up import start_top_up
from billing.work_event import work_event
from credits import prove as credits_prove
from credits.expire import expire_due_lots
from credits.hold import close_holds
from credits.lock import lock_wallets
from credits.models import Hold, HoldState, Lot, LotKind
from credits.money import to_decimal
from credits.refresh import refresh_wallets
from credits.refusals import CreditsNotHeld
from credits.spend import spend
from credits.statement import read_balance
from tests import makers
from tests.state_machine.memory_stripe import CHARGES, Event, MemoryStripe
from tests.state_machine.model import ModelWallet

ONE, CENT = 1_000_000, 10_000  # micros
READS = ("SELECT", "SAVEPOINT", "RELEASE", "PRAGMA", "SHOW")
_numbers = count(1)

prices = st.sampled_from([50 * ONE, 100 * ONE, 250 * ONE])
call_costs = st.sampled_from([1, 370_000, 12 * ONE, 80 * ONE, 400 * ONE])
endings = st.sampled_from(
    ["succeeded", "requires_payment_method", "processing", "canceled"]
)
charges = st.sampled_from([*CHARGES, "paid", "nobody there"])
edges = st.sampled_from(
    [timedelta(minutes=-1), *(timedelta(hours=h) for h in (0, 1, 69, 71, 72, 73))]
)
waits = st.sampled_from(
    [timedelta(minutes=7), timedelta(hours=5), timedelta(days=1), timedelta(days=40)]
)
picks = st.integers(0, 99)


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
        for number in (1, 2):
            self._make_card(number)
        self.model = ModelWallet()
        self.sales: dict[str, TopUp] = {}  # paid ones, by payment
        self.refunded: dict[int, Refund] = {}  # those that stand
        self.withdrawn: dict[int, Dispute] = {}  # those whose funds are gone
        self.open_orders: list[TopUp] = []
        self.told = 0  # so many events were delivered in their order

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
    def buy_on_nce(self, amount: int) -> None:
        for buy in (self._start, self._switch_on):
            try:
                buy(amount)
            except CreditsNotForSale:
                continue
            raise AssertionError("An NCE organisation bought credits (rule 2.1).")

    @precondition(lambda self: self.open_orders)
    @rule(chosen=picks, ending=endings)
    def pay(self, chosen: int, ending: str) -> None:
        top_up = self.open_orders[chosen % len(self.open_orders)]
        self.stripe.pay(top_up, ending)
        if ending != "requires_payment_method":
            self.open_orders.remove(top_up)

    @precondition(lambda self: self.open_orders)
    @rule(chosen=picks)
    def abandon(self, chosen: int) -> None:
        top_up = self.open_orders.pop(chosen % len(self.open_orders))
        self.stripe.expire_checkout(top_up.stripe_session_id)

    @precondition(lambda self: self._processing())
    @rule(ending=st.sampled_from(["succeeded", "requires_payment_method"]))
    def settle_payment(self, ending: str) -> None:
        self.stripe.settle(self._processing()[0], ending)

    @rule(amount=prices, months=st.sampled_from([1, 12, 12, 24]))
    def gift(self, amount: int, months: int) -> None:
        token = f"gift-{next(_numbers)}"
        try:
            lot = grant_promotional_credit(
                self.organisation,
                amount,
                months=months,
                reason="A gift of the machine.",
                actor=self.staff,
                token=token,
                at=self.now,
            )
        except CreditsNotHeld:
            assert not self.is_prepaid
            return
        assert self.is_prepaid
        self.model.add(token, amount, lot.expires_at, is_gift=True)
        self.model.pay_debt(self.now)

    # --- auto-recharge ----------------------------------------------------------------

    @precondition(lambda self: self.is_prepaid)
    @rule(amount=prices)
    def switch_on(self, amount: int) -> None:
        self._switch_on(amount)

    @rule()
    def switch_off(self) -> None:
        switch_off_auto_recharge(self.organisation, actor=self.owner, at=self.now)

    @rule(going=charges)
    def recharge(self, going: str) -> None:
        self.stripe.next_charge = going
        recharge_if_wanted(self.organisation.pk, cause=RechargeCause.DEBIT, at=self.now)

    @rule(going=charges)
    def go_on_with_recharge(self, going: str) -> None:
        self.stripe.next_charge = going
        go_on_with_recharges(self.now)

    # --- what Stripe tells ------------------------------------------------------------

    @precondition(lambda self: self.stripe.events)
    @rule(chosen=picks, times=st.integers(1, 3))
    def deliver(self, chosen: int, times: int) -> None:
        """Any event, old or new: they come twice, late and in any order."""
        event = self.stripe.events[chosen % len(self.stripe.events)]
        for _again in range(times):
            self._deliver(event)

    @precondition(lambda self: self.stripe.events)
    @rule()
    def deliver_newest(self) -> None:
        self._deliver(self.stripe.events[-1])

    @rule()
    def deliver_everything(self) -> None:
        """After which our books and Stripe's are the same, and nothing counts twice."""
        for event in self.stripe.events[self.told :]:
            self._deliver(event)
            self._take_over()
        self.told = len(self.stripe.events)
        stripe = self.stripe
        paid = {pk for pk, seen in stripe.payments.items() if seen.is_paid}
        assert paid == set(self.sales)
        sent = {pk for pk, seen in stripe.refunds.items() if not seen.is_gone}
        assert sent == {one.stripe_refund_id for one in self.refunded.values()} - {""}
        gone = {pk for pk, seen in stripe.disputes.items() if seen.is_withdrawn}
        assert gone == {one.stripe_dispute_id for one in self.withdrawn.values()}

    # --- money back -------------------------------------------------------------------

    @precondition(lambda self: self.sales)
    @rule(
        chosen=picks,
        share=st.sampled_from([1, 2, 3]),
        going=st.sampled_from(["succeeded", "pending", "lost answer", "nobody there"]),
    )
    def refund(self, chosen: int, share: int, going: str) -> None:
        name = sorted(self.sales)[chosen % len(self.sales)]
        lots = [lot for lot in self.model.spendable(self.now) if lot.name == name]
        unreversed = self.sales[name].credit_micros - self.model.reversed(name)
        left = min(sum(lot.remaining for lot in lots), unreversed)
        amount = left // share // CENT * CENT
        if not amount:
            return
        self.stripe.next_refund = going
        try:
            refund_top_up(
                self.sales[name],
                amount,
                client_key=f"machine:{next(_numbers)}",
                reason="Asked for by the machine.",
                actor=self.staff,
                at=self.now,
            )
        except PaymentsUnavailable:
            return  # its credit is gone; the answer comes by event or sweep
        except MoreThanRefundable:
            assert self.model.holds  # museum B49
            return
        except DisputeOpen:
            assert self._is_disputed(name)
            return
        assert not self._is_disputed(name)

    @rule(going=st.sampled_from(["succeeded", "pending", "lost answer"]))
    def go_on_with_refund(self, going: str) -> None:
        self.stripe.next_refund = going
        go_on_with_refunds(self.now)

    @precondition(lambda self: self._pending_refunds())
    @rule(ending=st.sampled_from(["succeeded", "failed"]))
    def settle_refund(self, ending: str) -> None:
        self.stripe.settle_refund(self._pending_refunds()[0], ending)

    @precondition(lambda self: self._undisputed())
    @rule(chosen=picks, half=st.booleans(), inquiry=st.booleans())
    def dispute(self, chosen: int, *, half: bool, inquiry: bool) -> None:
        names = self._undisputed()
        name = names[chosen % len(names)]
        left = self.sales[name].credit_micros - self.model.reversed(name)
        amount = left // 2 // CENT * CENT if half else left
        if amount:
            self.stripe.dispute(name, amount, inquiry=inquiry, at=self.now)

    @precondition(lambda self: self._open_disputes())
    @rule(won=st.booleans())
    def close_dispute(self, *, won: bool) -> None:
        self.stripe.close_dispute(self._open_disputes()[0], won=won)

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

    @rule(amount=call_costs)
    def begin_call(self, amount: int) -> None:
        """A call is allowed to start, and sets money aside."""
        hold = makers.make_hold(
            self.organisation, f"{to_decimal(amount):f}", at=self.now
        )
        self.model.holds[hold.pk] = self.now, amount

    @precondition(lambda self: self.model.holds)
    @rule(chosen=picks, state=st.sampled_from(["settled", "released", "lapsed"]))
    def end_call(self, chosen: int, state: str) -> None:
        """What it set aside is free again, however it ended."""
        name = sorted(self.model.holds)[chosen % len(self.model.holds)]
        with transaction.atomic():
            wallets = lock_wallets([self.organisation.pk])
            mine = Hold.objects.filter(pk=name)
            assert len(close_holds(wallets, mine, HoldState(state), at=self.now)) == 1
            refresh_wallets(list(wallets.values()))
        del self.model.holds[name]

    @rule(ahead=waits)
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
        switch_off_auto_recharge(self.organisation, actor=self.staff, at=self.now)
        since = self.now + timedelta(microseconds=1)
        mine = BillingModePeriod.objects.filter(organisation=self.organisation)
        mine.filter(ends_at=None).update(ends_at=since)
        mine.create(
            organisation=self.organisation,
            billing_mode=BillingMode.NCE,
            starts_at=since,
        )
        Organisation.objects.filter(pk=self.organisation.pk).update(
            billing_mode=BillingMode.NCE
        )
        self.organisation.refresh_from_db()
        self.now += timedelta(minutes=2)

    # --- after every step -------------------------------------------------------------

    @invariant()
    def is_as_the_model_says(self) -> None:
        self._take_over()
        found = read_balance(self.organisation.pk, self.now)
        lots = Lot.objects.filter(organisation=self.organisation).live()
        theirs = sorted(lots.values_list("expires_at", "remaining"))
        ours = sorted(
            (lot.expires_at, lot.remaining) for lot in self.model.lots if lot.remaining
        )
        assert theirs == ours, (theirs, ours)
        model, now = self.model, self.now
        expected = (model.balance(now), model.available(now), model.debt)
        assert (found.balance, found.available, found.debt) == expected, (
            found,
            expected,
        )

    @invariant()
    def everything_is_proven(self) -> None:
        """What wrote nothing cannot have broken anything, so it is not proven again."""
        if not self.has_written:
            return
        self.has_written = False
        for prove in (credits_prove.prove, billing_prove.prove):
            breaches = prove(self.organisation.pk, at=self.now).breaches
            assert not breaches, breaches

    # --- parts ------------------------------------------------------------------------

    @property
    def is_prepaid(self) -> bool:
        return self.organisation.buys_credits

    def _watch(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        """Sees every statement, also those that Django does not write."""
        self.has_written |= not sql.lstrip().upper().startswith(READS)
        return execute(sql, *rest)

    def _make_card(self, number: int) -> PaymentMethod:
        return PaymentMethod.objects.create(
            organisation=self.organisation,
            stripe_payment_method_id=f"pm_{next(_numbers)}",
            stripe_customer_id=f"cus_{self.organisation.pk}",
            brand="visa",
            last_four=f"{number:04d}",
            expiry_year=2099,
            expiry_month=12,
            fingerprint=f"print-{next(_numbers)}",
            added_at=self.now,
        )

    def _start(self, amount: int) -> TopUp:
        return start_top_up(
            self.organisation,
            amount,
            client_key=f"machine:{next(_numbers)}",
            actor=self.owner,
            language="en",
            at=self.now,
        )

    def _switch_on(self, amount: int) -> None:
        """On another card where the last one is paused, which is how that is left."""
        mine = PaymentMethod.objects.filter(organisation=self.organisation)
        cards = list(mine.filter(suspended_at=None).order_by("pk"))
        if not cards:
            cards = [self._make_card(next(_numbers))]
        row = AutoRecharge.objects.filter(organisation=self.organisation).first()
        kept = [card for card in cards if row and card == row.payment_method]
        card = (kept or cards)[0]
        backup = next((other for other in cards if other != card), None)
        save_auto_recharge(
            self.organisation,
            RechargeSettings(
                trigger=100 * ONE,
                amount=amount,
                monthly_limit=4 * amount,
                payment_method=card,
                backup=backup,
                only_when_used=False,
            ),
            actor=self.owner,
            ip=None,
            consent=True,
            at=self.now,
        )

    def _processing(self) -> list[str]:
        payments = self.stripe.payments.values()
        return [one.id for one in payments if one.status == "processing"]

    def _pending_refunds(self) -> list[str]:
        refunds = self.stripe.refunds.values()
        return [one.id for one in refunds if one.status == "pending"]

    def _open_disputes(self) -> list[str]:
        disputes = self.stripe.disputes.values()
        return [one.id for one in disputes if not one.is_closed]

    def _undisputed(self) -> list[str]:
        disputed = {one.payment_id for one in self.stripe.disputes.values()}
        return sorted(set(self.sales) - disputed)

    def _is_disputed(self, name: str) -> bool:
        """As far as Tollgate was told; an inquiry is no dispute yet."""
        mine = self.organisation.disputes.filter(top_up=self.sales[name])
        return any(one.is_open and not one.is_inquiry for one in mine)

    def _deliver(self, event: Event) -> None:
        inbox = StripeInbox.objects.create(
            event_id=f"evt_{next(_numbers)}",
            type=event.type,
            payload={"data": {"object": {"id": event.about}}},
            received_at=self.now,
        )
        work_event(inbox.pk, at=self.now)

    def _take_over(self) -> None:
        """What Tollgate has booked is compared with Stripe, and told to the model."""
        self._take_over_sales()
        self._take_over_refunds()
        self._take_over_disputes()
        self.model.pay_debt(self.now)

    def _take_over_sales(self) -> None:
        """What Tollgate says is paid was paid, and is credit from then on."""
        mine = TopUp.objects.filter(organisation=self.organisation).paid()
        for top_up in mine.order_by("paid_at", "pk"):
            name = top_up.stripe_payment_intent_id
            if name in self.sales:
                continue
            payment = self.stripe.payments[name]
            assert payment.is_paid
            assert payment.received == top_up.total_micros
            self.sales[name] = top_up
            self.model.buy(name, payment.received, self._a_year_from_now())

    def _take_over_refunds(self) -> None:
        for refund in self.organisation.refunds.select_related("top_up"):
            assert refund.top_up is not None
            name = refund.top_up.stripe_payment_intent_id
            if refund.stands and refund.pk not in self.refunded:
                self.model.take_back(name, refund.total_micros, since=self.now)
            elif not refund.stands and refund.pk in self.refunded:
                self.model.give_back(name, refund.total_micros)
                del self.refunded[refund.pk]
            if refund.stands:
                self.refunded[refund.pk] = refund

    def _take_over_disputes(self) -> None:
        for dispute in self.organisation.disputes.select_related("top_up"):
            name = dispute.top_up.stripe_payment_intent_id
            if dispute.stands and dispute.pk not in self.withdrawn:
                self.withdrawn[dispute.pk] = dispute
                self.model.take_back(name, dispute.amount_micros, since=self.now)
            elif not dispute.stands and dispute.pk in self.withdrawn:
                del self.withdrawn[dispute.pk]
                self._restore(name, dispute.amount_micros)

    def _restore(self, name: str, amount: int) -> None:
        """Until when the new lot is good is for the product to say, but not less."""
        restored = self.organisation.lots.filter(kind=LotKind.RESTORED)
        newest = restored.order_by("id").last()
        bought = next(lot for lot in self.model.lots if lot.name == name)
        expires_at = newest.expires_at if newest else bought.expires_at
        assert expires_at >= bought.expires_at
        given = self.model.restore(name, amount, expires_at)
        assert not given or (newest is not None and newest.original == given)

    def _a_year_from_now(self) -> datetime:
        """The start of the day after the same date next year, where they are."""
        zone = self.organisation.zone
        day = self.now.astimezone(zone).date()
        is_leap_day = (day.month, day.day) == (2, 29)
        last = date(day.year + 1, day.month, 28 if is_leap_day else day.day)
        return datetime.combine(last + timedelta(days=1), time(), zone).astimezone(UTC)
