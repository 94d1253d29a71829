"""The same key and the same request get the same answer, and the work is done once.

Answers of execution are kept, errors included; refusals before it are not. A key is
forgotten after 24 hours of the sandbox's clock.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sandbox.stripe.errors import Refusal, refusal
from sandbox.stripe.store import Store

KEPT_SECONDS = 24 * 60 * 60
LONGEST_KEY = 255


@dataclass(frozen=True)
class KeptAnswer:
    status: int
    body: str
    request_id: str


class Keys:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._running: set[str] = set()
        self._lock = threading.Lock()

    @contextmanager
    def using(self, key: str, request: str) -> Iterator[KeptAnswer | None]:
        """Yields the answer already kept, or None, and then the key is in use."""
        if len(key) > LONGEST_KEY:
            raise Refusal(f"An idempotency key has at most {LONGEST_KEY} characters.")
        with self._lock:
            if key in self._running:
                raise refusal("idempotency_key_in_use", key=key)
            kept = self._kept(key, request)
            self._running.add(key)
        try:
            yield kept
        finally:
            with self._lock:
                self._running.discard(key)

    def keep(self, key: str, request: str, answer: KeptAnswer) -> None:
        kept = (answer.request_id, answer.status, answer.body, self._store.now())
        self._store.rows.execute(
            "REPLACE INTO answer VALUES (?, ?, ?, ?, ?, ?)", (key, request, *kept)
        )

    def _kept(self, key: str, request: str) -> KeptAnswer | None:
        oldest = self._store.now() - KEPT_SECONDS
        with self._store.lock:
            row = self._store.rows.execute(
                "SELECT * FROM answer WHERE key = ? AND made_at > ?", (key, oldest)
            ).fetchone()
        if row is None:
            return None
        if row["request"] != request:
            raise refusal("idempotency_key_of_another", key=key)
        return KeptAnswer(row["status"], row["body"], row["request_id"])
