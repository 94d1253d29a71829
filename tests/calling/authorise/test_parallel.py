"""Many switches ask at once; none spends what another has set aside (rule 9.4)."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, connections

from accounts.models import Organisation
from calling.authorise.answers import Answer
from calling.models import (
    Bucket,
    DeniedCall,
    Line,
    LineMonth,
    MinutePool,
    RateCardVersion,
    Source,
)
from calling.prove import prove as prove_calls
from credits.models import Hold, Wallet
from credits.prove import prove as prove_credits
from tests.calling.authorise.asking import JAPAN, TAIWAN, ask
from tests.calling.telephony import MORNING, give_credit, give_plan

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("card", "mei"),
]
CALLS = 64


def at_once(asking: Callable[[int], Answer], calls: int = CALLS) -> list[Answer]:
    """The answers of threads that all ask at the same moment."""
    threads = 16 if connection.vendor == "postgresql" else 8
    gate = Barrier(threads)

    def work(share: range) -> list[Answer]:
        gate.wait(timeout=30)
        try:
            return [asking(number) for number in share]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        shares = [range(start, calls, threads) for start in range(threads)]
        return [answer for answers in pool.map(work, shares) for answer in answers]


def codes(answers: list[Answer]) -> Counter[str]:
    return Counter(answer.code or answer.decision for answer in answers)


def prove() -> None:
    assert prove_credits(at=MORNING).breaches == []
    assert prove_calls(at=MORNING).breaches == []


def test_money_for_ten_lets_ten_of_sixty_four_calls_through(
    pbx: Source, formosa: Organisation, card: RateCardVersion
) -> None:
    """9.4: fixed price and hold; exactly ten are allowed, fifty-four are not."""
    pbx.longest_grant_seconds = 600
    pbx.save()
    give_credit(formosa, "2.1")  # ten minutes to Japan are 0.21

    answers = at_once(lambda number: ask(pbx, JAPAN, call_id=f"call-{number}"))

    assert codes(answers) == {"allow": 10, "no_funding": 54}
    wallet = Wallet.objects.get(pk=formosa.pk)
    assert (wallet.reserved, wallet.live_calls) == (2_100_000, 10)
    assert {hold.amount for hold in Hold.objects.all()} == {210_000}
    assert DeniedCall.objects.filter(code="no_funding").count() == 54
    prove()


def test_one_call_asked_about_by_all_is_one_hold(
    pbx: Source, formosa: Organisation
) -> None:
    """9.4: a rival that inserts first answers for both."""
    give_credit(formosa, "50")
    answers = at_once(lambda number: ask(pbx, JAPAN, call_id=f"call-{number % 4}"))
    told = {answer.body["authorization_id"] for answer in answers}
    assert len(told) == Hold.objects.count() == 4
    wallet = Wallet.objects.get(pk=formosa.pk)
    assert (wallet.reserved, wallet.live_calls) == (4 * 630_000, 4)
    prove()


def test_the_last_plan_minutes_are_given_once(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    """9.4: a hundred minutes are ten calls of ten, and nobody's money is there."""
    pbx.longest_grant_seconds = 600
    pbx.save()
    give_plan(mei, {Bucket.DOMESTIC: 100})
    answers = at_once(lambda number: ask(pbx, TAIWAN, call_id=f"call-{number}"))
    assert codes(answers) == {"allow": 10, "no_funding": 54}
    pool = MinutePool.objects.get()
    assert (pool.remaining_seconds, pool.reserved_seconds) == (6000, 6000)
    prove()


def test_a_lines_month_is_given_once(
    pbx: Source, formosa: Organisation, mei: Line
) -> None:
    """9.4: the line has money for ten calls, the organisation for many."""
    pbx.longest_grant_seconds = 600
    pbx.save()
    mei.monthly_limit = 2_100_000
    mei.save()
    give_credit(formosa, "50")
    answers = at_once(lambda number: ask(pbx, JAPAN, call_id=f"call-{number}"))
    assert codes(answers) == {"allow": 10, "line_limit_reached": 54}
    assert LineMonth.objects.get().reserved == 2_100_000
    prove()
