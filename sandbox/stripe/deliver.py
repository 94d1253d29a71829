"""Events are delivered: signed afresh each time, and again until they are taken.

One thread looks for what is due, one per endpoint sends it, so a slow endpoint delays
itself alone. What waits is in the file and survives a restart. Time here is real time:
the receiver compares the signature's time with its own clock.
"""

import hmac
import json
import sqlite3
import threading
import time
from hashlib import sha256
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from sandbox.stripe.errors import Json
from sandbox.stripe.work import Sandbox, public

ANSWER_WITHIN_SECONDS = 10
MOST_TRIES = 15
LONGEST_PAUSE_SECONDS = 60
LOOK_EVERY_SECONDS = 0.25
NOT_HERE = "The sandbox delivers to this machine only."
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def signature(secret: str, body: str, at: int) -> str:
    signed = hmac.new(secret.encode(), f"{at}.{body}".encode(), sha256).hexdigest()
    return f"t={at},v1={signed}"


class Courier(threading.Thread):
    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(name="courier", daemon=True)
        self.sandbox = sandbox
        self.stopping = threading.Event()
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    def run(self) -> None:
        while not self.stopping.is_set():
            self.sandbox.bell.wait(LOOK_EVERY_SECONDS)
            self.sandbox.bell.clear()
            for endpoint in self._endpoints_with_something_due():
                with self._lock:
                    if endpoint in self._busy:
                        continue
                    self._busy.add(endpoint)
                threading.Thread(
                    target=self._serve, args=[endpoint], daemon=True
                ).start()

    def _endpoints_with_something_due(self) -> list[str]:
        with self.sandbox.store.lock:
            if self.stopping.is_set():
                return []
            found = self.sandbox.store.rows.execute(
                "SELECT DISTINCT endpoint FROM delivery"
                " WHERE state IN ('waiting', 'held') AND due <= ?",
                (time.time(),),
            )
            return [row["endpoint"] for row in found]

    def _serve(self, endpoint: str) -> None:
        try:
            while not self.stopping.is_set() and (row := self._next_for(endpoint)):
                self._attempt(row)
        finally:
            with self._lock:
                self._busy.discard(endpoint)

    def _next_for(self, endpoint: str) -> sqlite3.Row | None:
        with self.sandbox.store.lock:
            row: sqlite3.Row | None = self.sandbox.store.rows.execute(
                "SELECT * FROM delivery WHERE endpoint = ? AND due <= ?"
                " AND state IN ('waiting', 'held') ORDER BY due, id LIMIT 1",
                (endpoint, time.time()),
            ).fetchone()
        return row

    def _attempt(self, row: sqlite3.Row) -> None:
        endpoint = self.sandbox.store.get("webhook_endpoint", row["endpoint"])
        event = self.sandbox.store.get("event", row["event"])
        tries = json.loads(row["tries"])
        if endpoint is None or event is None or endpoint["status"] != "enabled":
            return self._note(row, tries, "given_up")
        is_forged = row["fault"] == "bad_signature" and not tries
        secret = endpoint["_secret"][:: -1 if is_forged else 1]
        status, error = _post(endpoint["url"], public(event), secret)
        tries.append({"at": time.time(), "status": status, "error": error})
        if status is not None and 200 <= status < 300:
            self._taken(row, tries, event)
        elif len(tries) >= MOST_TRIES or error == NOT_HERE:
            self._note(row, tries, "given_up")
        else:
            self._note(row, tries, "waiting", pause_after(len(tries)))
        return None

    def _taken(self, row: sqlite3.Row, tries: list[Json], event: Json) -> None:
        """The event counts down, and one held back for this endpoint may follow now."""
        store = self.sandbox.store
        with store.transaction():
            self._note(row, tries, "delivered")
            if fresh := store.get("event", event["id"]):
                fresh["pending_webhooks"] = max(fresh["pending_webhooks"] - 1, 0)
                store.put(fresh)
            store.rows.execute(
                "UPDATE delivery SET state = 'waiting', due = ?"
                " WHERE endpoint = ? AND state = 'held'",
                (time.time(), row["endpoint"]),
            )

    def _note(
        self, row: sqlite3.Row, tries: list[Json], state: str, pause: float = 0
    ) -> None:
        with self.sandbox.store.lock:
            self.sandbox.store.rows.execute(
                "UPDATE delivery SET state = ?, tries = ?, due = ? WHERE id = ?",
                (state, json.dumps(tries), time.time() + pause, row["id"]),
            )


def pause_after(tries: int) -> float:
    """1, 2, 4 … 60 seconds."""
    return min(2.0 ** (tries - 1), LONGEST_PAUSE_SECONDS)


def _post(url: str, event: Json, secret: str) -> tuple[int | None, str | None]:
    """The status, or None and what went wrong."""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in LOOPBACK:
        return None, NOT_HERE
    body = json.dumps(event, indent=2)
    address = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Sandbox-Stripe": "1",
        "Stripe-Signature": signature(secret, body, int(time.time())),
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    connection = HTTPConnection(
        parts.hostname, parts.port or 80, timeout=ANSWER_WITHIN_SECONDS
    )
    try:
        connection.request("POST", address, body.encode(), headers)
        return connection.getresponse().status, None
    except (OSError, HTTPException) as error:
        return None, f"{type(error).__name__}: {error}"
    finally:
        connection.close()


def deliver_now(sandbox: Sandbox) -> int:
    """What waits or is to be tried again is due at once, and then what is held back."""
    with sandbox.store.lock:
        due = sandbox.store.rows.execute(
            "UPDATE delivery SET due = ? + 0.05 * (state = 'held'), state = 'waiting'"
            " WHERE state IN ('waiting', 'held')",
            (time.time(),),
        )
    return due.rowcount


def deliveries(sandbox: Sandbox) -> list[Json]:
    with sandbox.store.lock:
        rows = sandbox.store.rows.execute(
            "SELECT * FROM delivery ORDER BY id"
        ).fetchall()
    found = []
    for row in rows:
        event = sandbox.store.get("event", row["event"]) or {}
        found.append(
            dict(row) | {"tries": json.loads(row["tries"]), "type": event.get("type")}
        )
    return found
