"""The secrets of webhook endpoints: made, sealed for the database, and opened to sign.

A secret must be readable to sign with it, so unlike an API key it is not kept as a
digest: it is sealed with a key derived from `SECRET_KEY`. Whoever has the database
alone cannot sign. The fallback keys still open what was sealed before a rotation.
"""

import base64
import hashlib
import secrets

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.utils.encoding import force_bytes

PREFIX = "whsec_"
RANDOM_BYTES = 32  # Standard Webhooks: 24 to 64


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(RANDOM_BYTES)).decode()


def seal(secret: str) -> str:
    return _box().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    return _box().decrypt(sealed.encode()).decode()


def _box() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str | bytes) -> bytes:
    salted = b"accounts.webhook_secret:" + force_bytes(key)
    digest = hashlib.sha256(salted).digest()
    return base64.urlsafe_b64encode(digest)
