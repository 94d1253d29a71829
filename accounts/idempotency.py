"""A request that moves money happens once, however often it is sent (rule 4.5).

The key's row is written before the work and keeps the answer for good. Sent again with
the same body, the stored answer is given; with another body it is refused (422), and
while the first is running too (409). A refusal changed nothing, so its row goes.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiKey, IdempotencyKey
from accounts.refusals import TollgateError

HEADER = "Idempotency-Key"
LONGEST = 255
# A first request that died is taken over after this; the work bears a second run.
RUNS_AT_MOST = timedelta(seconds=60)


class KeyMissing(TollgateError):
    """The request moves money and carries no Idempotency-Key."""

    code = "idempotency_key_missing"
    sentence = _(
        "Send the header Idempotency-Key, of at most 255 characters, with a request "
        "that moves money."
    )
    status = 422


class KeyReused(TollgateError):
    """The same key came with another request."""

    code = "idempotency_key_reused"
    sentence = _("This Idempotency-Key was used for another request.")
    status = 422


class KeyInUse(TollgateError):
    """The first request with this key is still running."""

    code = "idempotency_key_in_use"
    sentence = _("The first request with this Idempotency-Key is still running.")


@dataclass(frozen=True)
class Answer:
    """What was answered, and whether it was answered before."""

    status: int
    body: Any
    is_replayed: bool = False


def sent_key(request: HttpRequest) -> str:
    key = request.headers.get(HEADER, "")
    if not key or len(key) > LONGEST:
        raise KeyMissing
    return key


def answer_once(
    request: HttpRequest,
    api_key: ApiKey,
    work: Callable[[str], tuple[int, Any]],
    *,
    at: datetime,
) -> Answer:
    """Calls `work` with the key and keeps its answer, or gives the one that is kept."""
    key = sent_key(request)
    row, is_first = _claim(api_key, key, _digest(request), at=at)
    if not is_first and row.status is not None:
        return Answer(row.status, row.body, is_replayed=True)
    try:
        status, body = work(key)
    except BaseException:
        # Nothing was done, or its own key makes it safe to do again.
        IdempotencyKey.objects.filter(pk=row.pk, status=None).delete()
        raise
    IdempotencyKey.objects.filter(pk=row.pk).update(status=status, body=body)
    return Answer(status, body)


def _claim(
    api_key: ApiKey, key: str, digest: str, *, at: datetime
) -> tuple[IdempotencyKey, bool]:
    mine = {"organisation": api_key.organisation, "key": key}
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(
                **mine, api_key=api_key, request_digest=digest, created_at=at
            ), True
    except IntegrityError:
        row = IdempotencyKey.objects.get(**mine)
    if row.request_digest != digest:
        raise KeyReused
    if row.status is None:
        stale = IdempotencyKey.objects.filter(
            pk=row.pk, status=None, created_at__lte=at - RUNS_AT_MOST
        )
        if not stale.update(created_at=at):
            raise KeyInUse
    return row, False


def _digest(request: HttpRequest) -> str:
    said = f"{request.method} {request.path}\n".encode() + request.body
    return hashlib.sha256(said).hexdigest()
