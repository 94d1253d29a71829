"""Signs what we post, after Standard Webhooks 1.0. Pure."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

from accounts.webhook_secret import PREFIX

VERSION = "v1"


def signed_headers(
    message_id: str, body: bytes, secrets: Iterable[str], *, at: datetime
) -> dict[str, str]:
    """The three headers; while a secret is rotated there is a signature by each."""
    timestamp = str(int(at.timestamp()))
    signatures = [signature(message_id, timestamp, body, one) for one in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }


def signature(message_id: str, timestamp: str, body: bytes, secret: str) -> str:
    """`v1,` and the HMAC-SHA256 of `id.timestamp.body`, as base64."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = b".".join([message_id.encode(), timestamp.encode(), body])
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"{VERSION},{base64.b64encode(digest).decode()}"
