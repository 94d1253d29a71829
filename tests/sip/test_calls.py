"""Real calls through docs/switches/kamailio.cfg, charged to the cent (rule 9)."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.keys import create_key
from accounts.models import Organisation, Scope
from calling.models import Charge, NumberType, Source
from credits.models import Hold, HoldState, Wallet
from credits.money import to_micros
from tests.calling.telephony import (
    give_credit,
    give_number,
    make_card,
    make_line,
    make_source,
)
from tests.hammer.databases import url_of
from tests.makers import make_organisation
from tests.sip.exchange import Exchange, running_exchange

RICH, SHORT, POOR = "+886223456701", "+886223456702", "+886223456703"
BUSY = "+886223456704"  # each of its calls sets thirty dollars aside
JAPAN, DEAR, PREMIUM = "+81312345678", "+882161234567", "+19001234567"
A_DOLLAR = to_micros(1)

pytestmark = [pytest.mark.sip, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    """A dollar a second to the dear place, a dollar a minute to Japan."""
    began = timezone.now() - timedelta(days=90)
    make_card(
        [
            {"prefix": "81", "rate": "1", "interval_1": 1, "interval_n": 1},
            {"prefix": "88216", "rate": "60", "interval_1": 1, "interval_n": 1},
            {"prefix": "1900", "rate": "1", "number_type": NumberType.PREMIUM},
        ],
        valid_from=began,
    )
    for number, units in {RICH: "100", SHORT: "4", POOR: "", BUSY: "20000"}.items():
        organisation = make_organisation(at=began)
        line = make_line(organisation)
        give_number(organisation, number, line=line, starts_at=began)
        if units:
            give_credit(organisation, units, at=began)
    with running_exchange(tmp_path, url_of(), _key_of(make_source("kamailio"))) as made:
        yield made


def _key_of(source: Source) -> str:
    key, secret = create_key(
        "kamailio",
        organisation=None,
        scopes=[Scope.CALLS_AUTHORIZE, Scope.CDRS_WRITE],
        at=timezone.now(),
    )
    source.api_key = key
    source.save()
    return secret


def owner_of(number: str) -> Organisation:
    return Organisation.objects.get(numbers__number=number)


def wallet_of(number: str) -> Wallet:
    return Wallet.objects.get(organisation=owner_of(number))


def wait_until(holds: Callable[[], bool], what: str) -> None:
    for _try in range(150):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within 15 s.")


def charges_of(number: str) -> list[Charge]:
    return list(Charge.objects.filter(organisation=owner_of(number)).order_by("pk"))


def all_holds_have_ended() -> bool:
    return not Hold.objects.still_open().exists()


def test_calls_are_let_through_cut_off_and_refused(exchange: Exchange) -> None:
    exchange.call("hangs_up", RICH, JAPAN)
    wait_until(lambda: len(charges_of(RICH)) == 1, "the call is charged")
    (charge,) = charges_of(RICH)
    assert charge.billed_seconds == 2  # 1.2 s, in steps of one
    assert charge.credit_amount == charge.rated_amount == 33_333
    wallet = wallet_of(RICH)
    assert (wallet.credit, wallet.reserved, wallet.live_calls) == (99_966_667, 0, 0)
    assert Hold.objects.get(organisation=owner_of(RICH)).state == HoldState.SETTLED

    # Four dollars are four seconds: the network hangs up within them.
    exchange.call("is_cut_off", SHORT, DEAR)
    wait_until(lambda: len(charges_of(SHORT)) == 1, "the cut-off call is charged")
    (charge,) = charges_of(SHORT)
    assert 2 <= charge.billed_seconds <= 4
    assert charge.credit_amount == charge.billed_seconds * A_DOLLAR
    assert charge.debt_amount == 0
    assert wallet_of(SHORT).credit == 4 * A_DOLLAR - charge.credit_amount

    exchange.call("is_refused", POOR, JAPAN, refusal=402)
    exchange.call("is_refused", RICH, PREMIUM, refusal=403)
    exchange.call("hangs_up", POOR, "112")
    wait_until(all_holds_have_ended, "no call holds anything")
    assert wallet_of(POOR).debt == 0
    call_command("verify_ledger")


def test_while_the_service_is_down(exchange: Exchange) -> None:
    """No paid call starts, emergency calls pass, and no record is lost."""
    exchange.call("hangs_up", RICH, JAPAN)
    exchange.stop_service()
    exchange.call("is_refused", RICH, JAPAN, refusal=503)
    exchange.call("hangs_up", RICH, "112")
    exchange.start_service()
    wait_until(lambda: len(charges_of(RICH)) == 2, "both kept records are taken")
    assert sorted(charge.billed_seconds for charge in charges_of(RICH)) == [0, 2]
    call_command("verify_ledger")


def test_four_hundred_calls_at_eighty_a_second(exchange: Exchange) -> None:
    exchange.call("hangs_up", BUSY, JAPAN, calls=400, per_second=80)
    wait_until(lambda: len(charges_of(BUSY)) == 400, "all calls are charged")
    charged = sum(charge.credit_amount for charge in charges_of(BUSY))
    assert charged == sum(charge.rated_amount for charge in charges_of(BUSY))
    wallet = wallet_of(BUSY)
    assert wallet.credit == 20_000 * A_DOLLAR - charged
    assert (wallet.reserved, wallet.live_calls, wallet.debt) == (0, 0, 0)
    call_command("verify_ledger")
