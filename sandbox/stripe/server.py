"""The process: an HTTP server on loopback, a courier, and a look at the clock."""

import socket
import struct
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from sandbox.stripe.answer import answer_api
from sandbox.stripe.authentication_page import answer_authentication
from sandbox.stripe.checkout_page import answer_checkout, not_there
from sandbox.stripe.control import answer_control
from sandbox.stripe.deliver import Courier
from sandbox.stripe.errors import StripeError
from sandbox.stripe.exchange import Answer, NoAnswer, Request
from sandbox.stripe.failures import FOR_PAGES
from sandbox.stripe.idempotency import Keys
from sandbox.stripe.invoice_page import answer_invoice
from sandbox.stripe.passing_time import let_time_pass
from sandbox.stripe.receipt_page import answer_receipt
from sandbox.stripe.render import STYLESHEET, stylesheet
from sandbox.stripe.work import Sandbox, Work

ADDRESS = "127.0.0.1"
LARGEST_BODY = 1_000_000
HANG_SECONDS = 120
PAGES = {
    "/c/pay/": answer_checkout,
    "/3ds/": answer_authentication,
    "/i/": answer_invoice,
    "/receipts/": answer_receipt,
}


class SandboxServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        super().__init__((ADDRESS, port), Handler)
        self.sandbox = sandbox
        self.keys = Keys(sandbox.store)
        self.courier = Courier(sandbox)
        self.stopping = self.courier.stopping

    def work_until_stopped(self) -> None:
        self.courier.start()
        threading.Thread(target=self._watch_the_clock, daemon=True).start()
        try:
            self.serve_forever(poll_interval=0.1)
        finally:
            self.stopping.set()
            self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller who went away is no error; everything else is shown."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def _watch_the_clock(self) -> None:
        while not self.stopping.wait(1.0):
            with self.sandbox.store.transaction():
                let_time_pass(Work(self.sandbox, self.sandbox.store.now()))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536
    server: SandboxServer

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= LARGEST_BODY:
            self.close_connection = True
            return self._send(Answer(413, ""))
        body = self.rfile.read(length).decode(errors="replace")
        headers = {name.title(): value for name, value in self.headers.items()}
        request = Request(self.command, parts.path, parts.query, body, headers)
        try:
            self._send(answer(self.server, request))
        except NoAnswer as nothing:
            self._break_off(nothing.how)
        return None

    do_GET = do_POST = do_DELETE = _handle  # noqa: N815  # the library's names

    def _send(self, answer: Answer) -> None:
        content = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Sandbox-Stripe", "1")
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(content)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _break_off(self, how: str) -> None:
        self.close_connection = True
        if how == "reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return
        self.connection.settimeout(HANG_SECONDS)
        try:
            self.connection.recv(1)  # returns when the caller gives up
        except OSError:
            return

    def log_message(self, *args: Any) -> None:
        """Quiet: the demo prints what matters."""


def answer(server: SandboxServer, request: Request) -> Answer:
    sandbox = server.sandbox
    if request.path == STYLESHEET:
        return stylesheet()
    if request.path.startswith("/v1/"):
        return answer_api(sandbox, server.keys, request)
    if request.path.startswith("/_sandbox/"):
        return answer_control(sandbox, request)
    for start, show in PAGES.items():
        if request.path.startswith(start) and request.method in ("GET", "POST"):
            try:
                return _show(sandbox, request, start, show)
            except StripeError:  # what the page is about has been deleted
                break
    return not_there(request)


def _show(
    sandbox: Sandbox,
    request: Request,
    start: str,
    show: Callable[[Work, Request, str], Answer],
) -> Answer:
    failure = sandbox.failures.take(FOR_PAGES, request.path, request.method)
    with sandbox.store.transaction():
        work = Work(sandbox, sandbox.store.now(), failure=failure)
        shown = show(work, request, request.path.removeprefix(start))
    sandbox.bell.set()
    return shown
