"""A real installation. Whatever is missing from the environment stops the start."""

from django.core.exceptions import ImproperlyConfigured

from config import environment
from config.environment import BASE_DIR
from config.settings.base import *  # noqa: F403

DEBUG = False
SECRET_KEY = environment.text("SECRET_KEY")
if SECRET_KEY.startswith("only-for-") or len(SECRET_KEY) < 50:
    raise ImproperlyConfigured("Set SECRET_KEY: 50 random characters or more.")
SECRET_KEY_FALLBACKS = environment.words("SECRET_KEY_FALLBACKS", [])
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS]
SITE_URL = environment.text("SITE_URL")
DATABASES = {
    "default": environment.database(
        environment.text("DATABASE_URL", f"sqlite:///{BASE_DIR / 'tollgate.sqlite3'}"),
        pool=environment.flag("DATABASE_POOL", False),
    )
}

STRIPE_LIVE_MODE = environment.flag("STRIPE_LIVE_MODE", True)
if STRIPE_LIVE_MODE:
    STRIPE_LIVE_SECRET_KEY = environment.text("STRIPE_LIVE_SECRET_KEY")
else:
    STRIPE_TEST_SECRET_KEY = environment.text("STRIPE_TEST_SECRET_KEY")

EMAIL_CONFIG = environment.env.dj_email_url("EMAIL_URL")
# What the URL does not say keeps its value from base.py, the time-out above all.
vars().update({name: said for name, said in EMAIL_CONFIG.items() if said is not None})

SECURE_SSL_REDIRECT = environment.flag("SECURE_SSL_REDIRECT", True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Rate limits count addresses: that of the proxy in front would stand for everybody.
ALLAUTH_TRUSTED_PROXY_COUNT = environment.whole_number("TRUSTED_PROXIES", 1)
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
