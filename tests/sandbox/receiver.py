"""Someone who takes webhooks, and may be told to answer badly first."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe


class Receiver(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.taken: list[tuple[bytes, str]] = []  # body and signature, as they came
        self.answers: list[int] = []  # statuses of the next answers; then 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"

    def subscribe(self, *events: str) -> str:
        """The secret of a new webhook endpoint that leads here."""
        wanted: Any = list(events or ["*"])
        made = stripe.WebhookEndpoint.create(url=self.url, enabled_events=wanted)
        assert made.secret
        return made.secret

    def types(self, secret: str) -> list[str]:
        return [
            stripe.Webhook.construct_event(body, signature, secret).type
            for body, signature in self.taken
        ]


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((body, self.headers["Stripe-Signature"]))
        status = self.server.answers.pop(0) if self.server.answers else 200
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """The tests look at what was taken."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        yield server
        server.shutdown()
