"""What both sides add up to is stored, shown, and proven (invariant 20)."""

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import stripe
from django.test import Client
from django.utils import timezone

from accounts.models import StaffTask, User
from billing.apply_outcome import NOT_ATTRIBUTED
from billing.models import (
    Dispute,
    ReconciliationKind,
    ReconciliationRun,
    Refund,
    TopUp,
)
from billing.prove import prove as prove_billing
from billing.reconciling import page_sides
from billing.reconciling.add_up import TOTALS_DIFFER
from billing.reconciling.compare_with_stripe import NOT_COMPARED, compare_next
from billing.reconciling.prove_totals import total_breaches
from billing.reversing import reversal_gateway
from billing.reversing.refund import refund_top_up
from credits.money import to_micros
from tests import makers
from tests.billing.buying import Buyer
from tests.billing.test_reconcile import (
    REASON,
    RUNS,
    TASKS,
    act,
    both_ways,
    paid,
    quiet,
    root,
    soon,
)
from tests.billing.test_top_up_attribution import foreign_payment

__all__ = ["root"]


def totals(run: ReconciliationRun) -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (total.kind, total.currency): (total.ours, total.theirs)
        for total in run.totals.all()
    }


def told() -> list[str]:
    """What staff are asked to decide about totals."""
    tasks = StaffTask.objects.filter(kind=TOTALS_DIFFER, done_at=None).order_by("pk")
    return [task.detail.partition("UTC: ")[2] for task in tasks]


def usd(*amounts: str) -> tuple[int, ...]:
    return tuple(to_micros(amount) for amount in amounts)


def refund(buyer: Buyer, top_up: TopUp, amount: str) -> Refund:
    return refund_top_up(
        top_up,
        to_micros(amount),
        client_key=f"r{amount}",
        reason=REASON,
        actor=buyer.owner,
        at=timezone.now(),
    )


def test_both_sides_add_up_to_the_same(buyer: Buyer) -> None:
    first, second = paid(buyer), paid(buyer, "70")
    refund(buyer, first, "10")
    buyer.sandbox.open_dispute(second.stripe_payment_intent_id)
    quiet(buyer)
    both_ways()  # takes the dispute over
    run = both_ways()
    assert totals(run) == {
        ("disputed", "USD"): usd("70", "70"),
        ("paid", "USD"): usd("170", "170"),
        ("refunded", "USD"): usd("10", "10"),
    }
    assert run.differences == 0
    assert told() == list(total_breaches()) == []


def test_payment_that_only_stripe_has_is_a_difference_until_staff_decided(
    buyer: Buyer, alice: User
) -> None:
    foreign_payment(buyer, paid(buyer), metadata={"shop": "7"}, amount=1_234)
    quiet(buyer)
    run = both_ways()
    assert totals(run)["paid", "USD"] == usd("100", "112.34")
    assert run.totals.get().difference == -to_micros("12.34")
    assert told() == ["US$100.00 here, US$112.34 at Stripe; difference −US$12.34."]
    assert len(list(total_breaches())) == 1
    both_ways()
    assert len(told()) == 1  # told of already
    decided = StaffTask.objects.filter(kind=NOT_ATTRIBUTED)
    decided.update(done_at=timezone.now(), done_by=alice)
    assert totals(both_ways())["paid", "USD"] == usd("100", "100")
    assert list(total_breaches()) == []


def test_sale_that_only_we_have_is_a_difference_and_told_until_it_is_gone(
    buyer: Buyer, alice: User
) -> None:
    paid(buyer)
    makers.make_top_up(buyer.organisation, "50", at=timezone.now())
    quiet(buyer)
    assert totals(both_ways())["paid", "USD"] == usd("150", "100")
    assert told() == ["US$150.00 here, US$100.00 at Stripe; difference US$50.00."]
    # Staff are done with the task, and the difference still stands.
    StaffTask.objects.update(done_at=timezone.now(), done_by=alice)
    both_ways()
    assert len(told()) == 1
    assert totals(both_ways(soon() + timedelta(days=8))) == {}


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        ({"amount": 9_000}, {("paid", "USD"): ("200", "190")}),
        (
            {"currency": "eur"},
            {("paid", "USD"): ("200", "100"), ("paid", "EUR"): ("0", "100")},
        ),
    ],
)
def test_sale_of_another_amount_or_currency_at_stripe_is_a_difference(
    buyer: Buyer,
    changes: dict[str, object],
    seen: dict[tuple[str, str], tuple[str, str]],
) -> None:
    """Currencies are never added to each other."""
    payment = foreign_payment(buyer, paid(buyer), **changes)
    makers.make_top_up(buyer.organisation, "100", at=timezone.now(), payment=payment)
    quiet(buyer)
    expected = {key: usd(*amounts) for key, amounts in seen.items()}
    assert totals(both_ways()) == expected
    assert len(told()) == len(seen)


def test_refund_and_dispute_that_only_stripe_has_are_differences(
    buyer: Buyer, alice: User
) -> None:
    stray = foreign_payment(buyer, paid(buyer), metadata={"shop": "7"})
    stripe.Refund.create(payment_intent=stray, amount=2_000)
    other = foreign_payment(buyer, TopUp.objects.get(), metadata={"shop": "7"})
    buyer.sandbox.open_dispute(other)
    quiet(buyer)
    seen = totals(both_ways())
    assert seen["refunded", "USD"] == usd("0", "20")
    assert seen["disputed", "USD"] == usd("0", "100")
    assert len(told()) == 3  # the payments too
    StaffTask.objects.update(done_at=timezone.now(), done_by=alice)
    run = both_ways()
    assert totals(run) == {("paid", "USD"): usd("100", "100")}
    assert told() == []


def test_refund_that_is_less_at_stripe_is_a_difference(buyer: Buyer) -> None:
    mine = refund(buyer, paid(buyer), "30")
    less = stripe.Refund.create(
        payment_intent=TopUp.objects.get().stripe_payment_intent_id, amount=1_000
    )
    Refund.objects.filter(pk=mine.pk).update(stripe_refund_id=less.id)
    quiet(buyer)
    ours, theirs = totals(both_ways())["refunded", "USD"]
    assert ours - theirs == to_micros("20")
    assert told()[-1].endswith("difference US$20.00.")


def test_refund_that_stripe_does_not_know_counts_on_our_side(buyer: Buyer) -> None:
    mine = refund(buyer, paid(buyer), "10")
    Refund.objects.filter(pk=mine.pk).update(stripe_refund_id="re_unknown")
    stripe_own = stripe.Refund.list(limit=1).data[0].id
    quiet(buyer)
    run = both_ways()
    assert StaffTask.objects.filter(kind=NOT_COMPARED).exists()
    ours, theirs = totals(run)["refunded", "USD"]
    assert (ours, theirs) == usd("10", "0")
    assert stripe_own  # its metadata names our row, which says another id
    assert run.differences >= 1


def test_dispute_that_ended_without_a_word_is_found_from_our_side(
    buyer: Buyer,
) -> None:
    dispute = buyer.sandbox.open_dispute(paid(buyer).stripe_payment_intent_id)
    quiet(buyer)
    both_ways()
    buyer.sandbox.close_dispute(dispute, won=True)
    quiet(buyer)
    run = both_ways()
    assert run.differences == 1
    assert Dispute.objects.get().status == "won"
    assert totals(run)["disputed", "USD"] == (0, 0)
    assert both_ways().differences == 0


def test_page_that_is_gone_through_twice_counts_once(
    buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid(buyer)
    quiet(buyer)
    monkeypatch.setattr(page_sides, "PAGE", 1)
    at, cursor, pages = soon(), "", 0
    while cursor := compare_next(cursor, at=at):
        pages += 1
    clean = ReconciliationRun.objects.get()

    # Two at once: both read where the run is, and the slower one counts nothing.
    real = reversal_gateway.page_of_refunds
    raced: list[str] = []

    def overtaken(*args: Any, **given: Any) -> Any:
        if not raced:
            raced.append("")
            raced[0] = compare_next(f"{again.pk}:", at=later)
        return real(*args, **given)

    later = soon() + timedelta(hours=1)
    first = compare_next("", at=later)
    again = ReconciliationRun.objects.exclude(pk=clean.pk).get()
    monkeypatch.setattr(reversal_gateway, "page_of_refunds", overtaken)
    while first := compare_next(first, at=later):
        pass
    again.refresh_from_db()
    assert raced
    assert (again.compared, totals(again)) == (clean.compared, totals(clean))
    assert totals(clean)["paid", "USD"] == usd("100", "100")


def test_ledger_is_proven_against_what_was_stored(buyer: Buyer) -> None:
    refund(buyer, paid(buyer), "10")
    quiet(buyer)
    run = both_ways()
    assert list(total_breaches()) == []
    # As if a sale had been changed afterwards; its fences refuse that.
    run.totals.filter(kind="paid").update(ours=usd("90")[0], theirs=usd("90")[0])
    [breach] = total_breaches()
    assert breach.endswith("paid USD added up to 90000000, now to 100000000 (20)")
    assert breach in prove_billing(at=timezone.now()).breaches
    run.totals.filter(kind="paid").delete()
    assert "added up to 0, now" in next(total_breaches())
    both_ways()
    run = ReconciliationRun.objects.latest("pk")
    run.totals.filter(kind="refunded").update(ours=0, theirs=0)
    [breach] = total_breaches()
    assert breach.endswith("refunded USD added up to 0, now to 10000000 (20)")
    # One that moved after the run is no proof of anything.
    Refund.objects.update(ended_at=soon() + timedelta(days=1))
    assert list(total_breaches()) == []


def test_runs_from_before_totals_were_stored_prove_nothing(buyer: Buyer) -> None:
    paid(buyer)
    at = soon()
    kind = ReconciliationKind.BOTH_WAYS
    ReconciliationRun.objects.create(kind=kind, started_at=at, ended_at=at)
    assert list(total_breaches()) == []


def test_screen_says_what_both_sides_add_up_to(
    client: Client, root: User, buyer: Buyer
) -> None:
    paid(buyer)
    quiet(buyer)
    run = both_ways()
    page = unescape(client.get(RUNS).content.decode())
    assert "What both sides add up to" in page
    assert page.count("US$100.00") == 2
    foreign_payment(buyer, TopUp.objects.get(), metadata={"shop": "7"}, amount=5_000)
    quiet(buyer)
    run = both_ways()
    page = unescape(client.get(RUNS).content.decode())
    assert "<strong>−US$50.00</strong>" in page or "<strong>-US$50.00" in page
    one = unescape(client.get(f"{RUNS}{run.pk}/change/").content.decode())
    assert "US$150.00" in one


def test_task_about_totals_is_done_once_the_last_comparison_agrees(
    client: Client, root: User, buyer: Buyer
) -> None:
    stray = foreign_payment(buyer, paid(buyer), metadata={"shop": "7"})
    quiet(buyer)
    both_ways()
    task = StaffTask.objects.get(kind=TOTALS_DIFFER)
    said = act(client, TASKS, "process_again", task.pk)
    assert "came to US$100.00 here and US$200.00 at Stripe" in said
    task.refresh_from_db()
    assert task.done_at is None
    StaffTask.objects.filter(reference=stray).update(
        done_at=timezone.now(), done_by=root
    )
    both_ways()
    assert "agree" in act(client, TASKS, "process_again", task.pk)
    task.refresh_from_db()
    assert task.done_at is not None
