"""What every installation shares. See docs/operate.md for the environment variables."""

from pathlib import Path
from typing import Any

import stripe
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from config import environment
from config.environment import BASE_DIR

INSTALLED_APPS = [
    "accounts",
    "credits",
    "calling",
    "billing",
    "config",  # for its commands and checks
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",  # allauth's passkey pages need it
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "djmoney",
    "djstripe",
    "django_q",
    "django_htmx",
    "csp",
    "import_export",
    "simple_history",
    "ninja",  # serves the API docs' assets from here, so the policy holds
]
MIDDLEWARE = [
    "accounts.middleware.RequestIdMiddleware",
    "calling.authorise.door.AuthoriseDoor",  # past what only pages need
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.LanguageMiddleware",  # the user's setting wins
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "accounts.middleware.StaffMiddleware",
    "accounts.middleware.AccessMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.page_context.provider_and_membership",
            ]
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- people -----------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_CHANGE_EMAIL = True  # one address each: it is the user's name
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a changed password or factor is told by mail
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # before another address is put in place
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
# Requests of one API key: so many at once, refilled in so many seconds. Each process
# counts on its own (accounts/token_bucket.py).
API_QUOTAS = {
    "default": (600, 60),
    "records": (12_000, 60),  # switches that hand in a record per call
    "calls": (180_000, 60),  # may this call go on?
}
# Answered with 429. A limit of ours is counted by accounts/rate_limits.py.
ACCOUNT_RATE_LIMITS = {
    "signup": "20/h/ip",
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",  # codes of the second factor as well
    "confirm_email": "1/10s/key",
    "reset_password": "10/m/ip,3/m/key",
    "reset_password_from_key": "20/m/ip",
    "reauthenticate": "10/m/user",
    "change_password": "5/m/user",
    "manage_email": "10/m/user",
    "start_top_up": "20/h/user",  # card testing
    "add_card": "10/h/user,20/d/key",  # the same, for the organisation
    "start_top_up_by_key": "60/h/key",
    "send_webhook": "60/h/user",
    "add_webhook_by_key": "60/h/key",
    "announce_transfer": "20/h/user",
    "add_alert_address": "20/d/user",  # each is a mail to somebody
}
MFA_ADAPTER = "accounts.adapters.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Tollgate"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
# Staff reach the admin only with a second factor; dev.py alone exempts them.
STAFF_NEED_SECOND_FACTOR = True

# --- webhooks to customers --------------------------------------------------------
WEBHOOK_PORTS = (443, 8443)
# Opens this machine, and plain http to it: dev.py and tests alone.
WEBHOOKS_TO_LOOPBACK = False

# --- language and time ------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hant", _("Traditional Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["config.formats"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Stripe -----------------------------------------------------------------------
# Pinned here as well: otherwise a patch release of the library changes it silently.
STRIPE_API_VERSION = "2026-08-26.dahlia"
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
DJSTRIPE_SUBSCRIBER_MODEL = "accounts.Organisation"
DJSTRIPE_SUBSCRIBER_MODEL_REQUEST_CALLBACK = "accounts.access.organisation_for"
DJSTRIPE_WEBHOOK_EVENT_CALLBACK = "billing.webhooks.keep_event"
# dj-stripe's own migrations take over a minute on every fresh database.
MIGRATION_MODULES = {"djstripe": "billing.djstripe_migrations"}
stripe.max_network_retries = 1

# --- jobs -------------------------------------------------------------------------
Q_CLUSTER: dict[str, Any] = {
    "name": "tollgate",
    "orm": "default",
    "workers": 2,
    "bulk": 1,
    "poll": 0.2,
    "queue_limit": 20,
    "timeout": 60,
    "retry": 120,  # above timeout, or a slow job runs twice at once
    "max_attempts": 5,
    "ack_failures": False,
    "catch_up": False,
    "save_limit": 1000,
}
CACHES = {
    "default": {
        # Shared by all processes and kept over a restart: rate limits live here.
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache_entry",
        # The default of 300 would let a crowd of strangers push the limits out.
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}

# --- pages ------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS: list[Path] = [BASE_DIR / "static"]
PAYMENT_HOSTS = [
    "https://checkout.stripe.com",
    "https://billing.stripe.com",
    "https://hooks.stripe.com",
    "https://invoice.stripe.com",
]
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        # Also governs where a posted form may redirect: to Stripe's hosted pages.
        "form-action": [SELF, *PAYMENT_HOSTS],
        "frame-ancestors": [NONE],
    }
}
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
IMPORT_EXPORT_USE_TRANSACTIONS = True
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True
# A batch of call records over HTTP: 1,000 records of at most 10 kB each.
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024

EMAIL_TIMEOUT = 10  # seconds; a silent mail server must not hold a worker
DEFAULT_FROM_EMAIL = environment.text("DEFAULT_FROM_EMAIL", "tollgate@localhost")
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "%(levelname)s %(name)s [%(request_id)s] %(message)s"}
    },
    "filters": {"request_id": {"()": "accounts.request_id.RequestIdFilter"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["request_id"],
        }
    },
    "root": {"handlers": ["console"], "level": "INFO"},
}
