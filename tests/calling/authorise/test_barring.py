"""Which destinations are barred: the most specific rule decides (rule 9.1)."""

from datetime import time
from typing import Any

import pytest

from calling.authorise.barring import BarringRule, Destination, is_barred


def rule(**facts: Any) -> BarringRule:
    usual = {"prefix": "", "number_type": "", "country": "", "lets_through": False}
    hours = {"hour_from": None, "hour_until": None, "is_forced": False}
    return BarringRule(**{**usual, **hours, **facts})


def let(**facts: Any) -> BarringRule:
    return rule(lets_through=True, **facts)


def forced(**facts: Any) -> BarringRule:
    return rule(is_forced=True, **facts)


TOKYO = Destination("81312345678", "fixed", "JP", time(12))
HOTLINE = Destination("886203456789", "premium", "TW", time(12))
NIGHT = rule(country="JP", hour_from=time(22), hour_until=time(6))


@pytest.mark.parametrize(
    ("destination", "provider", "own", "barred"),
    [
        (TOKYO, [], [], False),
        (HOTLINE, [], [], True),
        (HOTLINE, [], [let(number_type="premium")], False),
        (HOTLINE, [let(number_type="premium")], [], False),
        (HOTLINE, [let(prefix="88620")], [], False),
        (HOTLINE, [], [let(country="TW")], True),  # wider than what bars it
        (HOTLINE, [], [let(prefix="88620")], False),
        (TOKYO, [rule(country="JP")], [], True),
        (TOKYO, [rule()], [], True),
        (TOKYO, [rule(), let(country="JP")], [], False),
        (TOKYO, [let(country="JP"), rule(prefix="813")], [], True),
        (TOKYO, [rule(country="JP")], [let(country="JP")], False),
        (TOKYO, [rule(prefix="813")], [let(country="JP")], True),
        (TOKYO, [forced(country="JP")], [let(prefix="813")], True),
        # Lifting one rule does not lift a wider one that is forced.
        (TOKYO, [forced(country="JP"), rule(prefix="813")], [let(prefix="813")], True),
        (TOKYO, [rule(prefix="81"), let(prefix="813")], [], False),
        # A customer may always bar more.
        (TOKYO, [let(prefix="813")], [rule(country="JP")], True),
        (TOKYO, [], [rule(country="JP"), let(prefix="813")], False),
        (TOKYO, [], [rule(number_type="fixed"), let(country="JP")], True),
        (TOKYO, [], [rule(country="JP"), let(country="JP")], True),
        (TOKYO, [], [NIGHT], False),
        (TOKYO._replace(local_time=time(22)), [], [NIGHT], True),
        (TOKYO._replace(local_time=time(5, 59)), [], [NIGHT], True),
        (TOKYO._replace(local_time=time(6)), [], [NIGHT], False),
    ],
)
def test_the_most_specific_rule_decides(
    destination: Destination,
    provider: list[BarringRule],
    own: list[BarringRule],
    barred: bool,
) -> None:
    assert is_barred(destination, provider, own) is barred
