"""How many requests a key may send: a token bucket per key, answered with 429.

A bucket holds `size` tokens and refills evenly within `seconds`; a request takes one.
Buckets live in the memory of each process: they cost the hot path no statement, and
several processes together let a key send at most so many times more. Limits on what
costs money are counted exactly, in the shared cache (accounts/rate_limits.py). The
headers are those of draft-ietf-httpapi-ratelimit-headers.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from django.conf import settings

_BUCKETS: dict[tuple[str, str], tuple[float, float]] = {}  # tokens left, at which time
_LOCK = Lock()
_KEYS_AT_MOST = 10_000  # beyond it all begin anew


@dataclass(frozen=True)
class Standing:
    """How a key stands after a request: whole tokens left, seconds until one more."""

    quota: str
    size: int
    seconds: int
    left: int
    next_in: int
    is_refused: bool

    @property
    def headers(self) -> dict[str, str]:
        told = {
            "RateLimit-Policy": f'"{self.quota}";q={self.size};w={self.seconds}',
            "RateLimit": f'"{self.quota}";r={self.left};t={self.next_in}',
        }
        return told | ({"Retry-After": str(self.next_in)} if self.is_refused else {})


def take_token(prefix: str, quota: str, *, at: datetime) -> Standing:
    """Takes a token of the key with this public part; API_QUOTAS has the sizes."""
    size, seconds = settings.API_QUOTAS[quota]
    now, per_second = at.timestamp(), size / seconds
    with _LOCK:
        tokens, then = _BUCKETS.get((prefix, quota), (float(size), now))
        tokens = min(float(size), tokens + max(0.0, now - then) * per_second)
        is_refused = tokens < 1
        if not is_refused:
            tokens -= 1
        if len(_BUCKETS) >= _KEYS_AT_MOST:
            _BUCKETS.clear()
        _BUCKETS[prefix, quota] = (tokens, now)
    missing = max(0.0, 1 - tokens)
    return Standing(
        quota,
        size,
        seconds,
        left=int(tokens),
        next_in=math.ceil(missing / per_second),
        is_refused=is_refused,
    )


def refill_buckets() -> None:
    """Forgets what was taken: for tests."""
    _BUCKETS.clear()
