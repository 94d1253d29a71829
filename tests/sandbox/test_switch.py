"""The demo's switch hands in over HTTP what it has, until it is acknowledged."""

import random
from datetime import UTC, datetime

import pytest
from pytest_django.live_server_helper import LiveServer

from calling.models import RawRecord
from sandbox.place_calls import ended_at
from sandbox.seed import new_switch_key, seed_source
from sandbox.switch import begin, hand_in, ring

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def test_what_is_acknowledged_is_not_sent_again(
    live_server: LiveServer, capsys: pytest.CaptureFixture[str]
) -> None:
    key = new_switch_key(seed_source(), at=NOW)
    calls = [ring(random.Random(number), at=NOW) for number in range(3)]
    assert hand_in(calls, site=live_server.url, key=key) == []
    assert RawRecord.objects.count() == 3
    # Nobody owns these numbers here, so they wait, and the switch says so.
    assert capsys.readouterr().out.count("waiting") == 3
    assert hand_in(calls, site=live_server.url, key=key) == []
    assert RawRecord.objects.count() == 3
    assert capsys.readouterr().out.count("duplicate") == 3


def test_it_asks_before_a_call(
    live_server: LiveServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody owns the numbers here, so nothing is let through but emergency calls."""
    key = new_switch_key(seed_source(), at=NOW)
    call = ring(random.Random(1), at=NOW)
    where = {"site": live_server.url, "key": key}
    assert list(begin(call, **where)) == []
    assert "refused: " in capsys.readouterr().out
    (help_call,) = begin(call | {"to": "112", "direction": "outbound"}, **where)
    assert ended_at(help_call) == ended_at(call)


def test_what_is_refused_or_unheard_is_kept(
    live_server: LiveServer, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = [ring(random.Random(1), at=NOW)]
    assert hand_in(calls, site=live_server.url, key="tg_test_nobody") == calls
    assert hand_in(calls, site="http://127.0.0.1:9", key="tg_test_nobody") == calls
    told = capsys.readouterr().out
    assert "401" in told
    assert "The web does not answer" in told
    assert not RawRecord.objects.exists()
