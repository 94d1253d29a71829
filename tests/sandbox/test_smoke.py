"""The script that compares Stripe with the sandbox runs, and tells a difference."""

import pytest
import stripe

from sandbox import smoke
from tests.stripe_sandbox import TEST_KEY, StripeSandbox


@pytest.fixture
def against(stripe_sandbox: StripeSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_API_HOST", stripe_sandbox.url)
    monkeypatch.setenv("STRIPE_TEST_SECRET_KEY", TEST_KEY)
    monkeypatch.setattr(stripe, "api_version", stripe.api_version)


def test_the_sandbox_is_as_we_expect(
    against: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert smoke.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "0 differences."
    assert sum(line.startswith("as expected") for line in lines) == 14


def test_a_difference_is_told(
    against: None,
    stripe_sandbox: StripeSandbox,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(smoke, "AMOUNT", {"amount": 4999, "currency": "usd"})
    assert smoke.main() == 1
    assert "DIFFERENT    a card pays" in capsys.readouterr().out


def test_a_live_key_is_refused(
    against: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STRIPE_TEST_SECRET_KEY", "sk_live_x")
    assert smoke.main() == 2
    assert "a live key is refused" in capsys.readouterr().out
