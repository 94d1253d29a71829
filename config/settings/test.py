"""The tests: SQLite unless TEST_DATABASE_URL says otherwise, never DATABASE_URL."""

from pathlib import Path
from tempfile import gettempdir

from config import environment
from config.environment import BASE_DIR
from config.settings.base import *  # noqa: F403
from config.settings.base import CONTENT_SECURITY_POLICY, INSTALLED_APPS, Q_CLUSTER

DEBUG = False
SECRET_KEY = "only-for-tests-" + "0" * 40
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
# Last, so that its `flush` wins: it lifts the append-only fences between tests.
INSTALLED_APPS = [*INSTALLED_APPS, "sandbox", "tests.flushing"]
DATABASES = {
    "default": environment.database(
        environment.text(
            "TEST_DATABASE_URL", f"sqlite:///{BASE_DIR / 'test_tollgate.sqlite3'}"
        )
    )
}
if DATABASES["default"]["ENGINE"].endswith("postgresql"):
    name = DATABASES["default"]["NAME"]
    if not name.startswith("test_tollgate_"):
        name = "test_tollgate_suite"
    DATABASES["default"]["TEST"] = {"NAME": name}
    DATABASES["default"]["NAME"] = "postgres"
    DATABASES["default"]["CONN_MAX_AGE"] = 0
else:
    # A file, not memory: browser tests and worker processes open it too.
    DATABASES["default"]["TEST"] = {"NAME": DATABASES["default"]["NAME"]}

STRIPE_LIVE_MODE = False
STRIPE_TEST_SECRET_KEY = "sk_test_sandbox000000000000000000"
STRIPE_API_HOST = "http://127.0.0.1:9"  # nobody; a test that pays sets the sandbox's
SITE_URL = "http://testserver"
CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"] += ["http://127.0.0.1:*"]
# W002: the Stripe host is ours on purpose. C001: checked by hand against our callback.
SILENCED_SYSTEM_CHECKS = ["djstripe.W002"]

DEMO_FOLDER = Path(gettempdir()) / "tollgate-tests"  # where the mailbox page looks
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Hashed names answer 404 on the live server, and pages would run without scripts.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
Q_CLUSTER = {**Q_CLUSTER, "sync": False}
# Nothing is collected before the tests: files are looked up where they are written.
WHITENOISE_AUTOREFRESH = True
