"""A session that has just begun with a password, as the sign-in page leaves it."""

import time

from django.test import Client

from accounts.access import SIGNED_IN_AT
from accounts.models import User


def signed_in_recently(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session[SIGNED_IN_AT] = time.time()
    session.save()
    return client
