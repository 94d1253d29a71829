"""The demo and development: SQLite, a local Stripe, mail into a folder."""

from pathlib import Path

from config import environment
from config.environment import BASE_DIR
from config.settings.base import *  # noqa: F403
from config.settings.base import CONTENT_SECURITY_POLICY, INSTALLED_APPS, LOGGING

# What the demo keeps: the database, its Stripe's, and the mail it would have sent.
DEMO_FOLDER = Path(environment.text("DEMO_FOLDER", str(BASE_DIR / ".demo")))
DEMO_FOLDER.mkdir(parents=True, exist_ok=True)

DEBUG = environment.flag("DEBUG", True)
SECRET_KEY = environment.text("SECRET_KEY", "only-for-development-" + "0" * 40)
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
DATABASE_URL = f"sqlite:///{DEMO_FOLDER / 'tollgate.sqlite3'}"
DATABASES = {
    "default": environment.database(environment.text("DATABASE_URL", DATABASE_URL))
}
INSTALLED_APPS = [*INSTALLED_APPS, "sandbox"]

STRIPE_LIVE_MODE = False
STRIPE_TEST_SECRET_KEY = environment.text(
    "STRIPE_TEST_SECRET_KEY", "sk_test_sandbox000000000000000000"
)
# The sandbox's address; its mere presence sends every Stripe call there.
STRIPE_API_HOST = environment.text("STRIPE_API_HOST", "http://127.0.0.1:12111")
CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"] += [STRIPE_API_HOST]
SITE_URL = environment.text("SITE_URL", "http://127.0.0.1:8000")

STAFF_NEED_SECOND_FACTOR = False
WEBHOOKS_TO_LOOPBACK = True
EMAIL_BACKEND = "sandbox.mail_folder.MailFolderBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Nothing is collected here: files are looked up where they are written.
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True
# Every request to Stripe and every move of the queue would drown what the jobs say.
LOGGING["loggers"] = {name: {"level": "WARNING"} for name in ("stripe", "django-q")}
