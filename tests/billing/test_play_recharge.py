"""The forecast counts on auto-recharge while it would fire, and only then (rule 5)."""

from billing.recharging.auto_recharge import (
    stop_auto_recharge,
    switch_off_auto_recharge,
)
from billing.recharging.play_recharge import refills_of
from credits.forecast import Refills
from tests import makers
from tests.billing.recharging import HOUR, LOST, Recharger, owner_of, usd


def test_what_is_armed_is_played_as_it_is_set(recharger: Recharger) -> None:
    recharger.switch_on(catches_up=True)
    assert refills_of(recharger.status) == Refills(
        trigger=usd("20"),
        amount=usd("100"),
        monthly_limit=usd("1000"),
        most_a_day=6,
        catches_up=True,
    )


def test_what_the_month_has_had_and_what_is_on_its_way_count(
    recharger: Recharger,
) -> None:
    recharger.switch_on()
    recharger.charge()
    recharger.later(HOUR)
    played = refills_of(recharger.status)
    assert played is not None
    assert (played.spent, played.incoming) == (usd("100"), 0)
    recharger.spend("90")
    recharger.sandbox.fail("http_500", "/v1/payment_intents")
    recharger.charge()
    played = refills_of(recharger.status)
    assert played is not None
    assert (played.spent, played.incoming) == (usd("200"), usd("100"))


def test_what_is_off_stopped_or_declined_is_not_counted_on(
    recharger: Recharger,
) -> None:
    assert refills_of(recharger.status) is None
    assert refills_of(None) is None
    recharger.switch_on()
    staff = makers.make_user("staff@provider.example", is_staff=True)
    stop_auto_recharge(
        recharger.organisation, "Looks like fraud", actor=staff, at=recharger.now
    )
    assert refills_of(recharger.status) is None
    switch_off_auto_recharge(
        recharger.organisation, actor=owner_of(recharger.organisation), at=recharger.now
    )
    recharger.switch_on(LOST)
    recharger.charge()
    assert refills_of(recharger.status) is None
