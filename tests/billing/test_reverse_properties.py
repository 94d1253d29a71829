"""What goes back adds up, however it is cut, in any order (rules 4.7, 10.3)."""

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from billing.models import Refund, TopUp
from billing.refusals import DisputeOpen, MoreThanRefundable
from billing.reversing.apply_refund import fail_refund, record_refund_at_stripe
from billing.reversing.dispute import note_dispute
from billing.reversing.refund import ask_refund, refundable
from billing.reversing.reversal_entries import credit_booked
from billing.reversing.reversal_gateway import SeenDispute
from billing.reversing.reverse import credit_reversed, gross_of, net_reversal
from credits.money import CURRENCIES, to_micros
from credits.spend import spend
from tests.billing.reversing import (
    REASON,
    assert_proven,
    lost,
    make_sale,
    seen_dispute,
    seen_refund,
    won,
)
from tests.makers import START, make_organisation, make_user

steps_of = {code: currency.step for code, currency in CURRENCIES.items()}


@given(
    st.sampled_from(sorted(steps_of)),
    st.integers(1, 10**7),
    st.integers(0, 3 * 10**6),
    st.data(),
)
def test_b44_a_full_reversal_is_exactly_the_credit(
    code: str, credit_steps: int, tax_steps: int, data: st.DataObject
) -> None:
    step = steps_of[code]
    credit, total = credit_steps * step, (credit_steps + tax_steps) * step
    assert net_reversal(credit, total, total, step) == credit
    assert net_reversal(credit, 0, total, step) == 0
    part = data.draw(st.integers(1, credit_steps)) * step
    gross = gross_of(part, credit, total, step)
    assert net_reversal(credit, gross, total, step) == part
    assert part <= gross <= total
    less = data.draw(st.integers(0, gross // step)) * step
    assert net_reversal(credit, less, total, step) <= part


@given(st.lists(st.integers(1, 400), min_size=1, max_size=12), st.integers(0, 60))
def test_r8_parts_of_a_reversal_add_up_to_the_whole(parts: list[int], tax: int) -> None:
    """Each part is the difference of two cumulative amounts, so nothing is lost."""
    step, gross = 10_000, [part * 10_000 for part in parts]
    total = sum(gross)
    credit = max(step, total - tax * step)
    done, taken = 0, 0
    for part in gross:
        before = net_reversal(credit, done, total, step)
        done += part
        taken += net_reversal(credit, done, total, step) - before
    assert taken == credit


few = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
cents = st.integers(1, 6_000)
events = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["refund", "at_stripe", "dispute", "spend"]), cents),
        st.tuples(st.sampled_from(["fail", "win", "lose"]), st.integers(0, 5)),
    ),
    min_size=3,
    max_size=12,
)


class Story:
    """Plays events on one sale of US$100 and a tax that never divides evenly."""

    def __init__(self) -> None:
        organisation = make_organisation()
        self.sale: TopUp = make_sale(organisation, "100", "7.77")
        self.staff = make_user(is_staff=True)
        self.now = START + timedelta(days=1)
        self.refunds: list[Refund] = []
        self.disputes: list[SeenDispute] = []
        self.count = 0

    def play(self, kind: str, number: int) -> None:
        self.count += 1
        self.now += timedelta(hours=1)
        getattr(self, kind)(number)

    def refund(self, number: int) -> None:
        try:
            with transaction.atomic():
                made = ask_refund(
                    self.sale,
                    number * 10_000,
                    client_key=f"staff:{self.count}",
                    reason=REASON,
                    actor=self.staff,
                    at=self.now,
                )
        except (DisputeOpen, MoreThanRefundable):
            assert number * 10_000 > refundable(self.sale, self.now)
        else:
            self.refunds.append(made)

    def at_stripe(self, number: int) -> None:
        amount = f"{number // 100}.{number % 100:02}"
        seen = seen_refund(self.sale, amount, f"re_{self.count}")
        self.refunds.append(record_refund_at_stripe(self.sale, seen, at=self.now))

    def fail(self, number: int) -> None:
        if self.refunds:
            chosen = self.refunds[number % len(self.refunds)]
            fail_refund(chosen.pk, "lost_or_stolen_card", at=self.now)

    def dispute(self, number: int) -> None:
        amount = f"{number // 100}.{number % 100:02}"
        seen = seen_dispute(self.sale, amount, f"du_{self.count}")
        self.disputes.append(seen)
        note_dispute(self.sale, seen, at=self.now)

    def win(self, number: int) -> None:
        if self.disputes:
            chosen = self.disputes[number % len(self.disputes)]
            note_dispute(self.sale, won(chosen), at=self.now)

    def lose(self, number: int) -> None:
        if self.disputes:
            chosen = self.disputes[number % len(self.disputes)]
            note_dispute(self.sale, lost(chosen), at=self.now)

    def spend(self, number: int) -> None:
        spend(
            self.sale.organisation,
            amount=number * 10_000,
            reference=f"call:{self.count}#1",
            started_at=self.now,
            at=self.now,
        )


@few
@given(events)
@pytest.mark.django_db
def test_b44_whatever_happens_the_formula_holds(
    played: list[tuple[str, int]],
) -> None:
    with transaction.atomic():
        story = Story()
        for kind, number in played:
            story.play(kind, number)
            story.sale.refresh_from_db()
            assert credit_booked(story.sale) == credit_reversed(story.sale)
        assert 0 <= credit_booked(story.sale) <= to_micros("100")
        assert_proven(story.now)
        transaction.set_rollback(True)
