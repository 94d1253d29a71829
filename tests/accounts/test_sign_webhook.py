"""Signatures after Standard Webhooks, checked by what others compute."""

import base64
import shutil
import subprocess
from datetime import UTC, datetime

import pytest
from pytest_django.fixtures import Settings

from accounts.sign_webhook import signature, signed_headers
from accounts.webhook_secret import new_secret, seal, unseal

# The example of the reference libraries of standardwebhooks.com.
SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = b'{"test": 2432232314}'
SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
AT = datetime.fromtimestamp(1614265330, UTC)


def openssl_signature(message_id: str, timestamp: str, body: bytes, secret: str) -> str:
    """The same by another implementation."""
    key = base64.b64decode(secret.removeprefix("whsec_")).hex()
    digest = subprocess.run(
        [
            *("openssl", "dgst", "-sha256", "-mac", "HMAC", "-binary"),
            *("-macopt", f"hexkey:{key}"),
        ],
        input=f"{message_id}.{timestamp}.".encode() + body,
        capture_output=True,
        check=True,
    ).stdout
    return f"v1,{base64.b64encode(digest).decode()}"


def test_the_example_of_the_standard_comes_out() -> None:
    headers = signed_headers(MESSAGE, BODY, [SECRET], at=AT)
    assert headers == {
        "webhook-id": MESSAGE,
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNED,
    }


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_openssl_computes_the_same_signature() -> None:
    secret, body = new_secret(), '{"type":"webhook.test","data":{"名":"茶"}}'.encode()
    expected = openssl_signature("evt_1", "1767225600", body, secret)
    assert signature("evt_1", "1767225600", body, secret) == expected


def test_there_is_a_signature_by_each_valid_secret() -> None:
    other = new_secret()
    headers = signed_headers(MESSAGE, BODY, [other, SECRET], at=AT)
    first, second = headers["webhook-signature"].split(" ")
    assert second == SIGNED
    assert first == signature(MESSAGE, "1614265330", BODY, other)


def test_a_secret_has_32_random_bytes_and_is_never_the_same() -> None:
    first, second = new_secret(), new_secret()
    assert first != second
    assert len(base64.b64decode(first.removeprefix("whsec_"))) == 32


def test_a_secret_is_sealed_and_opens_after_the_key_was_rotated(
    settings: Settings,
) -> None:
    secret = new_secret()
    sealed = seal(secret)
    assert secret.removeprefix("whsec_") not in sealed
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key that is long enough to be one"
    assert unseal(sealed) == secret
