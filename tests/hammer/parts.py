"""What each process of the hammer does in one turn; returns what it was.

Everything goes through the same verbs that pages, API and jobs call.
"""

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from accounts.models import Organisation, User
from billing.models import RechargeCause, StaffPayment, StripeInbox, TopUp
from billing.recharging.recharge import go_on_with_recharges, recharge_if_wanted
from billing.reversing.refund import refund_top_up, refundable
from billing.reversing.refund_staff_payment import (
    ask_staff_refund,
    give_up_money_sent,
    refundable_staff_payment,
)
from billing.staff_payment import record_staff_payment
from billing.work_event import work_event
from calling.authorise.authorise import authorise_call
from calling.authorise.end_call import Ending, release_call, settle_call
from calling.authorise.extend import Extension, extend_call
from calling.authorise.question import Question
from calling.ingest import store_call_records
from calling.live.lapse_holds import lapse_stale_holds
from calling.models import NumberAssignment, Source
from credits.adjust import lower_lot
from credits.expire import expire_due_lots
from credits.models import Hold, Lot
from credits.money import to_micros
from tests.calling.telephony import make_record
from tests.hammer.world import CALLEES
from tests.state_machine.memory_stripe import MemoryStripe

REASON = "asked for by the hammer"
Now = Callable[[], datetime]
Turn = Callable[[Now], str]


def make_part(part: str, number: int, chance: random.Random) -> Turn:
    made: dict[str, Any] = {
        "caller": Caller,
        "records": Records,
        "till": Till,
        "desk": Desk,
    }
    if part == "sweeps":
        return sweep
    turn: Turn = made[part](number, chance).turn
    return turn


class Caller:
    """A switch: asks, then ends the call in one of the ways calls end."""

    def __init__(self, number: int, chance: random.Random) -> None:
        self.name, self.chance, self.calls = f"caller{number}", chance, count(1)
        self.source = Source.objects.get(slug="pbx")
        self.numbers = numbers()
        self.forgotten: list[tuple[int, datetime]] = []

    def turn(self, now: Now) -> str:
        call_id = f"{self.name}-{next(self.calls)}"
        question = Question(
            call_id=call_id,
            caller=self.chance.choice(self.numbers),
            callee=some_number(self.chance),
            requested_seconds=self.chance.choice([None, 60, 600]),
        )
        began = now()
        answer = authorise_call(question, self.source, at=began)
        if answer.decision != "allow":
            return f"{answer.decision}, {answer.code}"
        if self.chance.random() < 0.1:
            again = authorise_call(question, self.source, at=now())
            assert again.body == answer.body, (again.body, answer.body)
        hold_id = int(str(answer.body["authorization_id"]).removeprefix("auth_"))
        return self._end(hold_id, began, now)

    def _end(self, hold_id: int, began: datetime, now: Now) -> str:
        way = self.chance.random()
        if way < 0.2:
            return self._late(hold_id, began, now)
        if way < 0.3:
            return str(release_call(Hold.objects.get(pk=hold_id), at=now()))
        if way < 0.5:
            extend_call(hold_id, self.source, Extension(2, 300, 900), at=now())
        self._settle(hold_id, began, now)
        if self.chance.random() < 0.1:
            self._settle(hold_id, began, now)
        return "settled"

    def _late(self, hold_id: int, began: datetime, now: Now) -> str:
        """This call is forgotten for now; an older one is told of at last."""
        self.forgotten.append((hold_id, began))
        if len(self.forgotten) > 20 or self.chance.random() < 0.5:
            older, began = self.forgotten.pop(0)
            self._settle(older, began, now)
            return "settled late"
        return "forgotten"

    def _settle(self, hold_id: int, began: datetime, now: Now) -> None:
        seconds = random.Random(hold_id).randrange(1, 1_200)  # the same when told again
        ending = Ending(
            source_record_id=f"hold-{hold_id}",
            answered_at=began,
            ended_at=began + timedelta(seconds=seconds),
            billable_seconds=seconds,
        )
        hold = Hold.objects.get(pk=hold_id)
        settle_call(hold, self.source, ending, at=now())


class Records:
    """A feed of calls that nobody asked for, in batches, now and then twice."""

    def __init__(self, number: int, chance: random.Random) -> None:
        self.chance, self.calls = chance, count(1)
        self.source = Source.objects.get(slug="feed")
        self.numbers = numbers()

    def turn(self, now: Now) -> str:
        at = now()
        records = [
            make_record(
                f"feed-{next(self.calls)}",
                caller=self.chance.choice(self.numbers),
                callee=some_number(self.chance),
                seconds=self.chance.randrange(1, 300),
                at=at - timedelta(minutes=self.chance.randrange(6_000)),
            )
            for _ in range(self.chance.choice([1, 2, 10]))
        ]
        store_call_records(self.source, records, at=at)
        if self.chance.random() < 0.3:
            for record in records:
                record.billable_seconds = self.chance.choice([60, 120])
            store_call_records(self.source, records, at=at)
            return "batch, corrected"
        return "batch"


def sweep(now: Now) -> str:
    time.sleep(0.02)  # a job; the processors are for the others
    expire_due_lots(now())
    lapse_stale_holds(now())
    return "sweep"


class Till:
    """Recharges below the trigger, and refunds of what was charged, at one Stripe."""

    def __init__(self, number: int, chance: random.Random) -> None:
        self.chance, self.stripe, self.told = chance, MemoryStripe(), 0
        self.stripe.stand_in(pytest.MonkeyPatch())
        self.staff, self.organisations = staff(), organisations()
        self.keys = count(1)

    def turn(self, now: Now) -> str:
        at = now()
        self.stripe.next_charge = self.chance.choice(["paid", "processing", "paid"])
        one = self.chance.choice(self.organisations)
        did = recharge_if_wanted(one.pk, cause=RechargeCause.DEBIT, at=at)
        go_on_with_recharges(at)
        for name, seen in list(self.stripe.payments.items()):
            if seen.status == "processing":
                self.stripe.settle(name, "succeeded")
        self._hear(at)
        return self._refund(one, at) if did is None else "recharge"

    def _hear(self, at: datetime) -> None:
        for event in self.stripe.events[self.told :]:
            inbox = StripeInbox.objects.create(
                event_id=f"evt_{self.told}",
                type=event.type,
                payload={"data": {"object": {"id": event.about}}},
                received_at=at,
            )
            self.told += 1
            work_event(inbox.pk, at=at)

    def _refund(self, organisation: Organisation, at: datetime) -> str:
        paid = TopUp.objects.filter(organisation=organisation).paid().order_by("?")
        sale = paid.first()
        most = refundable(sale, at) if sale is not None else 0
        if sale is None or not most:
            return "nothing to refund"
        refund_top_up(
            sale,
            most // 20_000 * 10_000 or most,
            client_key=f"hammer:{next(self.keys)}",
            reason=REASON,
            actor=self.staff,
            at=at,
        )
        return "refund"


class Desk:
    """Staff: transfers that came, transfers sent back, lots lowered."""

    def __init__(self, number: int, chance: random.Random) -> None:
        self.chance, self.keys = chance, count(1)
        self.staff, self.organisations = staff(), organisations()

    def turn(self, now: Now) -> str:
        at = now()
        organisation = self.chance.choice(self.organisations)
        way = self.chance.random()
        if way < 0.15:
            return self._take(organisation, at)
        if way < 0.5:
            return self._lower(organisation, at)
        return self._send_back(organisation, at)

    def _take(self, organisation: Organisation, at: datetime) -> str:
        record_staff_payment(
            organisation,
            to_micros("2"),
            bank_reference=f"hammer-{next(self.keys)}",
            recorded_by=self.staff,
            note=REASON,
            at=at,
        )
        return "transfer"

    def _lower(self, organisation: Organisation, at: datetime) -> str:
        lot = Lot.objects.filter(organisation=organisation).spendable(at).last()
        if lot is None:
            return "nothing to lower"
        lower_lot(
            lot,
            max(1, lot.remaining // 10),
            reference=f"desk:{next(self.keys)}",
            reason=REASON,
            at=at,
            actor=self.staff,
        )
        return "lowered"

    def _send_back(self, organisation: Organisation, at: datetime) -> str:
        sales = StaffPayment.objects.filter(organisation=organisation).order_by("?")
        sale = sales.first()
        most = refundable_staff_payment(sale, at) if sale is not None else 0
        if sale is None or not most:
            return "nothing to send back"
        refund = ask_staff_refund(
            sale,
            most,
            client_key=f"desk:{next(self.keys)}",
            reason=REASON,
            actor=self.staff,
            at=at,
        )
        if self.chance.random() < 0.5:
            give_up_money_sent(refund, reason=REASON, actor=self.staff, at=at)
            return "sent back, given up"
        return "sent back"


def numbers() -> list[str]:
    """Everybody's own numbers."""
    found = NumberAssignment.objects.order_by("pk")
    return list(found.values_list("number", flat=True))


def some_number(chance: random.Random) -> str:
    return f"{chance.choice(CALLEES)}{chance.randrange(10**6, 10**7)}"


def organisations() -> list[Organisation]:
    return list(Organisation.objects.order_by("pk"))


def staff() -> User:
    return User.objects.filter(is_staff=True).earliest("pk")
