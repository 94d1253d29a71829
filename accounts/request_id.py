"""The id of the request being answered, for the audit trail and the log.

Taken from `X-Request-Id` when a proxy sent a sensible one, made here otherwise. Outside
a request (jobs, commands) it is empty.
"""

import logging
import re
import uuid
from contextvars import ContextVar

HEADER = "X-Request-Id"
_SENSIBLE = re.compile(r"[A-Za-z0-9._-]{8,64}")
_current: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    return _current.get()


def begin_request(sent: str | None) -> str:
    """Sets and returns the id of the request that starts now."""
    request_id = sent if sent and _SENSIBLE.fullmatch(sent) else uuid.uuid4().hex
    _current.set(request_id)
    return request_id


def end_request() -> None:
    _current.set("")


class RequestIdFilter(logging.Filter):
    """Gives every log record a `request_id` to print."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current_request_id() or "-"
        return True
