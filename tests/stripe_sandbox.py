"""The sandbox Stripe as tests use it: the real process, one per run and worker.

The fixture `stripe_sandbox` is emptied first, and the stripe library speaks to it. What
a person, a bank or time would do to a payment is a method here, and what goes wrong is
asked for by `fail`. Amounts are in the currency's smallest unit.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest

if TYPE_CHECKING:  # slow to import, and most tests do not pay
    import stripe

ROOT = Path(__file__).resolve().parents[1]
TEST_KEY = "sk_test_sandbox000000000000000000"
STOPS_WITHIN_SECONDS = 5
FORM = "application/x-www-form-urlencoded"
VISA = "4242424242424242"
BACK = "http://127.0.0.1:8000/"  # where a person would return to; nobody goes there

Json = dict[str, Any]


@dataclass
class StripeSandbox:
    url: str
    process: subprocess.Popen[str]

    def fail(
        self,
        kind: str,
        path: str = "",
        times: int = 1,
        method: str = "POST",
        *,
        seconds: float = 1.0,
        reason: str = "generic_decline",
    ) -> None:
        """The next requests (or deliveries, where `path` is an event type) go wrong.

        A `decline` is for the `reason`, which is a decline code, whatever the card.
        """
        wanted = {"kind": kind, "path": path, "times": times, "seconds": seconds}
        self._ask("POST", "failures", wanted | {"method": method, "reason": reason})

    def clock(self, at: int | None) -> None:
        """Sets its time, from which it runs on; None puts it right again."""
        self._ask("POST", "clock", {"now": at})

    def deliveries(self) -> list[Json]:
        found: list[Json] = self._ask("GET", "deliveries")["data"]
        return found

    def wait_for_deliveries(self, within_seconds: float = 10.0) -> list[Json]:
        """Waits until no delivery is under way any more, and returns them all."""
        until = time.monotonic() + within_seconds
        while time.monotonic() < until:
            found = self.deliveries()
            if not any(one["state"] in ("waiting", "held") for one in found):
                return found
            time.sleep(0.02)
        raise AssertionError(f"Deliveries are still under way: {self.deliveries()}")

    def deliver_pending(self) -> list[Json]:
        """What waits, is delayed or is to be tried again goes out now."""
        self._ask("POST", "deliveries", {})
        return self.wait_for_deliveries()

    def deliver_again(self, event: str) -> list[Json]:
        """Sends an event once more, to every endpoint that wants its type."""
        self._ask("POST", "deliveries", {"event": event})
        return self.wait_for_deliveries()

    def save_card(
        self, customer: str, number: str = VISA, *, is_default: bool = False
    ) -> str:
        """Sets the card up for off-session use, approving it where the bank asks.

        Returns the payment method's id. Raises stripe.CardError for a card that cannot
        be kept.
        """
        import stripe

        cvc = "1234" if number.startswith("3") else "123"
        card: Any = {"number": number, "exp_month": 12, "exp_year": 2034, "cvc": cvc}
        method = stripe.PaymentMethod.create(type="card", card=card).id
        intent = stripe.SetupIntent.create(
            confirm=True,
            customer=customer,
            payment_method=method,
            payment_method_types=["card"],
        )
        if intent.status == "requires_action":
            self._decide(intent.id, "complete")
        if is_default:
            settings: Any = {"default_payment_method": method}
            stripe.Customer.modify(customer, invoice_settings=settings)
        return method

    def change_card(self, payment_method: str, number: str) -> None:
        """From now on a saved card behaves as the card with that number does."""
        wanted = {"payment_method": payment_method, "number": number}
        self._ask("POST", "cards", wanted)

    def approve(
        self, payment_intent: str, *, outcome: str = "complete"
    ) -> "stripe.PaymentIntent":
        """The person is at the bank's page and approves: `complete`, `fail`, `cancel`.

        A payment declined off session, because the bank wanted to ask, is confirmed on
        session with the same card first.
        """
        import stripe

        intent = stripe.PaymentIntent.retrieve(payment_intent)
        if intent.status == "requires_payment_method":
            error: Any = intent.last_payment_error
            stripe.PaymentIntent.confirm(
                intent.id, payment_method=error.payment_method.id, return_url=BACK
            )
        self._decide(intent.id, outcome)
        return stripe.PaymentIntent.retrieve(intent.id)

    def settle_refund(self, refund: str, *, failed: bool = False) -> None:
        """A pending refund succeeds, or a pending or a good one fails."""
        outcome = "failed" if failed else "succeeded"
        self._ask("POST", "refunds", {"refund": refund, "outcome": outcome})

    def open_dispute(
        self,
        payment_intent: str,
        *,
        amount: int | None = None,
        reason: str = "fraudulent",
        inquiry: bool = False,
    ) -> str:
        """Disputes a payment, whole or in part, and returns the dispute's id.

        An inquiry takes no money; anything else takes it at once, and a fee.
        """
        wanted = {"payment_intent": payment_intent, "amount": amount}
        wanted |= {"reason": reason, "inquiry": inquiry}
        return str(self._ask("POST", "disputes", wanted)["id"])

    def escalate_dispute(self, dispute: str) -> None:
        """An inquiry becomes a dispute that takes the money."""
        self._ask("POST", "disputes/escalate", {"dispute": dispute})

    def close_dispute(self, dispute: str, *, won: bool = True) -> None:
        """Won, the money comes back; an inquiry is closed in either case."""
        wanted = {"dispute": dispute, "outcome": "won" if won else "lost"}
        self._ask("POST", "disputes/close", wanted)

    def finish_processing(self, payment_intent: str, outcome: str) -> None:
        """A payment left `processing` by that failure ends `succeeded` or `failed`."""
        wanted = {"payment_intent": payment_intent, "outcome": outcome}
        self._ask("POST", "processing", wanted)

    def empty(self) -> None:
        self._ask("DELETE", "data")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOPS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _decide(self, intent: str, outcome: str) -> None:
        form = urlencode({"outcome": outcome})
        status, text = self._send("POST", f"/3ds/{intent}", form, FORM)
        assert status in (200, 303), text

    def _ask(self, method: str, what: str, sent: Json | None = None) -> Json:
        body = None if sent is None else json.dumps(sent)
        path, kind = f"/_sandbox/{what}", "application/json"
        status, text = self._send(method, path, body, kind)
        assert status == 200, text
        said: Json = json.loads(text)
        return said

    def _send(
        self, method: str, path: str, body: str | None, kind: str
    ) -> tuple[int, str]:
        parts = urlsplit(self.url)
        connection = HTTPConnection(str(parts.hostname), parts.port, timeout=10)
        try:
            connection.request(method, path, body, {"Content-Type": kind})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


@contextmanager
def running_stripe(folder: Path, *arguments: str) -> Iterator[StripeSandbox]:
    """Starts the process on a free port and waits until it says where it listens."""
    command = [sys.executable, "-m", "sandbox.stripe", "--port", "0"]
    command += ["--file", str(folder / "stripe.sqlite3"), *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout
        words = child.stdout.readline().split()
        urls = [word.rstrip(",") for word in words if word.startswith("http://")]
        sandbox = StripeSandbox(urls[0] if urls else "", child)
        try:
            assert urls, "The sandbox Stripe did not start."
            yield sandbox
        finally:
            sandbox.stop()


@pytest.fixture(scope="session")
def stripe_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeSandbox]:
    with running_stripe(tmp_path_factory.mktemp("stripe")) as sandbox:
        yield sandbox


@pytest.fixture
def stripe_sandbox(
    stripe_process: StripeSandbox, monkeypatch: pytest.MonkeyPatch
) -> StripeSandbox:
    """An empty sandbox Stripe that the stripe library speaks to, without retries."""
    import stripe

    stripe_process.empty()
    monkeypatch.setattr(stripe, "api_base", stripe_process.url)
    monkeypatch.setattr(stripe, "api_key", TEST_KEY)
    monkeypatch.setattr(stripe, "max_network_retries", 0)
    return stripe_process
