"""What the customer reads: balance, lots, activity (rule 3.4)."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Organisation
from credits.expire import lapse_due_lots
from credits.models import EntryKind, LotKind, Wallet
from credits.reverse import reverse_event
from credits.spend import spend
from credits.statement import Balance, list_activity, list_lots, read_balance
from tests.makers import START, make_lot

HOUR = timedelta(hours=1)


def test_balance_is_unexpired_credit_less_debt(formosa: Organisation) -> None:
    soon = make_lot(formosa, "10", months=1)
    make_lot(formosa, "20", months=2)
    assert read_balance(formosa.pk, soon.expires_at) == Balance(
        balance=20_000_000,
        available=20_000_000,
        credit=30_000_000,
        lapsed=10_000_000,
        debt=0,
        reserved=0,
        currency="USD",
    )


def test_available_is_the_balance_less_open_holds(
    formosa: Organisation, breached: None
) -> None:
    make_lot(formosa, "10")
    Wallet.objects.update(reserved=4_000_000)
    balance = read_balance(formosa.pk, START)
    assert (balance.balance, balance.available) == (10_000_000, 6_000_000)


def test_a_second_read_happens_only_past_the_next_expiry(
    formosa: Organisation,
) -> None:
    lot = make_lot(formosa, "10", months=1)
    for at, statements in ((lot.expires_at - HOUR, 1), (lot.expires_at, 2)):
        with CaptureQueriesContext(
            connection,
        ) as captured:
            read_balance(formosa.pk, at)
        assert len(captured) == statements
    lapse_due_lots(lot.expires_at)
    with CaptureQueriesContext(connection) as captured:
        assert read_balance(formosa.pk, lot.expires_at).balance == 0
    assert len(captured) == 1


def test_lots_are_listed_in_the_order_they_will_be_used(formosa: Organisation) -> None:
    late = make_lot(formosa, "1", months=13)
    paid = make_lot(formosa, "1", kind=LotKind.PURCHASE)
    gift = make_lot(formosa, "1", months=12)
    gone = make_lot(formosa, "1", months=1)
    assert list_lots(formosa.pk, START) == [gone, gift, paid, late]
    assert list_lots(formosa.pk, gone.expires_at) == [gift, paid, late]


def test_activity_groups_the_calls_of_a_day(formosa: Organisation) -> None:
    make_lot(formosa, "10", reference="gift:1")
    for number in range(3):
        at = START + number * HOUR
        spend(formosa, amount=1, reference=f"call:{number}#1", started_at=at, at=at)
    reverse_event(formosa.pk, "call:2#1", at=START + 4 * HOUR)
    # 16:00 UTC is midnight in Taipei: the next day.
    at = START + 16 * HOUR
    spend(formosa, amount=5, reference="call:9#1", started_at=at, at=at)
    lines = list_activity(formosa)
    assert [
        (line.day, line.kind, line.calls, line.amount, line.balance_after)
        for line in lines
    ] == [
        (date(2026, 1, 2), EntryKind.SPEND, 1, -5, 9_999_993),
        (date(2026, 1, 1), EntryKind.SPEND, 3, -2, 9_999_998),
        (date(2026, 1, 1), EntryKind.PROMOTIONAL, 0, 10_000_000, 10_000_000),
    ]


def test_each_line_continues_from_the_one_below(formosa: Organisation) -> None:
    spend(formosa, amount=3, reference="call:1#1", started_at=START, at=START)
    make_lot(formosa, "10")
    spend(formosa, amount=4, reference="call:2#1", started_at=START, at=START)
    make_lot(formosa, "10")
    lines = list_activity(formosa)
    assert [line.amount for line in lines] == [10_000_000, -4, 10_000_000, -3]
    below = [0, *[line.balance_after for line in reversed(lines)]]
    for line, before in zip(reversed(lines), below, strict=False):
        # A debt paid in between moves nothing, so the sums still meet.
        assert before + line.amount == line.balance_after


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_of_activity_leave_nothing_out(formosa: Organisation, limit: int) -> None:
    for number in range(5):
        make_lot(formosa, str(number + 1))
    everything = list_activity(formosa)
    pages = []
    before = None
    while page := list_activity(formosa, limit=limit, before_seq=before):
        pages += page
        before = page[-1].first_seq
    assert pages == everything
    assert len(everything) == 5
