"""An installation's own settings, with the anchors' addresses beside the product's."""

import os

for name, value in {
    "SECRET_KEY": "benchmark-" * 6,
    "ALLOWED_HOSTS": "127.0.0.1",
    "SITE_URL": "http://127.0.0.1",
    "STRIPE_LIVE_MODE": "false",
    "STRIPE_TEST_SECRET_KEY": "sk_test_benchmark",
    "EMAIL_URL": "consolemail://",
    "SECURE_SSL_REDIRECT": "false",
}.items():
    os.environ.setdefault(name, value)

from config.settings.prod import *  # noqa: E402, F403

ROOT_URLCONF = "benchmarks.anchors.trivial_view"
# A switch of its own would not reach it; a run does.
API_QUOTAS = {"default": (10**9, 60), "records": (10**9, 60), "calls": (10**9, 60)}
