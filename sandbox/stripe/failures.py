"""Failures on request: the next n requests or deliveries that match go wrong.

They live in memory: a restarted sandbox behaves.
"""

import re
import threading
from dataclasses import asdict, dataclass

from sandbox.stripe.cards import DECLINES
from sandbox.stripe.errors import Json, Refusal

FOR_PAGES = ("decline", "processing")
FOR_REQUESTS = (
    *FOR_PAGES,
    "refund_failed",
    "refund_pending",
    "connection_reset",
    "connection_reset_after",
    "http_429",
    "http_500",
    "http_500_after",
    "slow",
    "timeout_after_charge",
    "timeout_before",
)
FOR_DELIVERIES = ("bad_signature", "delay", "drop", "duplicate", "out_of_order")
CHARGING = r"/v1/(payment_intents(/\w+/confirm)?|invoices/\w+/pay)$|/c/pay/"
DEFAULT_PATHS = {
    "decline": CHARGING,
    "processing": CHARGING,
    "refund_failed": "/v1/refunds$",
    "refund_pending": "/v1/refunds$",
}


@dataclass
class Failure:
    """`path` begins the request's path or the event's type, or is a pattern for it.

    `reason` is the decline code of a card that is to be declined.
    """

    kind: str
    path: str = ""
    method: str = "POST"
    times: int = 1
    seconds: float = 2.0
    reason: str = "generic_decline"

    def meets(self, method: str, path: str) -> bool:
        is_method = not method or method == self.method
        return is_method and (
            path.startswith(self.path) or bool(re.match(self.path, path))
        )


class Failures:
    def __init__(self) -> None:
        self._waiting: list[Failure] = []
        self._lock = threading.Lock()

    def add(self, wanted: Json) -> None:
        try:
            failure = Failure(**wanted)
            failure.path = failure.path or DEFAULT_PATHS.get(failure.kind, "")
            re.compile(failure.path)
        except (TypeError, re.error) as error:
            raise Refusal(f"A failure cannot be read: {error}.") from error
        known = FOR_REQUESTS + FOR_DELIVERIES
        if failure.kind not in known or failure.times < 1:
            raise Refusal(f"Ask at least once for one of: {', '.join(known)}.")
        if failure.reason not in DECLINES:
            raise Refusal(f"A card is declined for one of: {', '.join(DECLINES)}.")
        with self._lock:
            self._waiting.append(failure)

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def waiting(self) -> list[Json]:
        with self._lock:
            return [asdict(failure) for failure in self._waiting]

    def take(
        self, kinds: tuple[str, ...], path: str, method: str = ""
    ) -> Failure | None:
        with self._lock:
            for failure in self._waiting:
                if failure.kind in kinds and failure.meets(method, path):
                    failure.times -= 1
                    if not failure.times:
                        self._waiting.remove(failure)
                    return failure
        return None
