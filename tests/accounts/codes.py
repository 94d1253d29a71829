"""Reads what a person would read: the code in a mail, the app's six digits."""

import re
import time

from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core.mail import EmailMessage
from django.test import Client


def mailed_code(message: EmailMessage) -> str:
    """The code that stands alone on a line of the message."""
    found = re.search(r"^([A-Z0-9]{3,4}-[A-Z0-9]{3,4})$", str(message.body), re.M)
    assert found, message.body
    return found.group(1)


def app_code(secret: str) -> str:
    """What an authenticator app shows now for this secret."""
    left = 30 - time.time() % 30
    if left < 5:  # as a person would: not the code that is about to change
        time.sleep(left)
    (counter,) = yield_hotp_counters_from_time()
    return str(format_hotp_value(hotp_value(secret, counter)))


def activate_second_factor(client: Client) -> str:
    """Walks through the activation page; returns the secret."""
    page = client.get("/accounts/2fa/totp/activate/")
    assert page.status_code == 200, page.headers
    secret = str(page.context["form"].secret)
    done = client.post("/accounts/2fa/totp/activate/", {"code": app_code(secret)})
    assert done.status_code == 302
    return secret
