"""What we change in django-allauth."""

import base64
import hashlib
import time
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import (
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
)
from cryptography.fernet import Fernet, MultiFernet
from django import forms
from django.conf import settings
from django.contrib.sites.requests import RequestSite
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import translation
from django.utils.encoding import force_bytes

from accounts.access import SECOND_FACTOR_SET_AT, SIGNED_IN_AT, recently_signed_in
from accounts.models import Language, ProviderSettings, User
from accounts.rate_limits import too_many_requests
from accounts.send import sender
from accounts.sessions import end_other_sessions


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # untyped library
    """Sign-up stays open; a new user opens an organisation next."""

    def save_user(
        self, request: HttpRequest, user: User, form: forms.Form, *, commit: bool = True
    ) -> User:
        """Keeps the language the user signed up in."""
        user.language = current_language()
        saved: User = super().save_user(request, user, form, commit)
        return saved

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        request.session[SIGNED_IN_AT] = time.time()

    def format_email_subject(self, subject: str) -> str:
        """The subject carries the fact; who writes stands in the sender."""
        return str(subject)

    def get_from_email(self) -> str:
        return sender()

    def send_mail(
        self, template_prefix: str, email: str, context: dict[str, Any]
    ) -> None:
        """In the language of the account, if there is one, and the provider's name."""
        site = RequestSite(self.request)
        site.name = ProviderSettings.current().name
        with translation.override(language_of(email)):
            super().send_mail(template_prefix, email, {"current_site": site, **context})

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        """Too many tries are 429 in a form as well, like every other limit."""
        if code in {"too_many_login_attempts", "rate_limited"}:
            raise ImmediateHttpResponse(too_many_requests(self.request))
        error: ValidationError = super().validation_error(code, *args)
        return error

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Our one rule of what recent means, also on allauth's own pages."""
        required: bool = super().is_reauthentication_required(app=app, **kwargs)
        return required and not recently_signed_in(self.request)

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        """Whoever has a second factor confirms with it: a password does not do."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        factors = [method for method in methods if method["id"] != "reauthenticate"]
        return factors or methods


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # untyped library
    """Seeds of authenticators and recovery codes are encrypted in the database."""

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()


def watch_second_factor() -> None:
    """Called once at start: allauth tells of changes by signals only."""
    authenticator_added.connect(_factor_added, dispatch_uid="accounts.added")
    authenticator_removed.connect(_factor_changed, dispatch_uid="accounts.removed")
    authenticator_reset.connect(_factor_changed, dispatch_uid="accounts.reset")


def _factor_added(
    sender: object,
    request: HttpRequest,
    user: User,
    authenticator: Authenticator,
    **facts: Any,
) -> None:
    # Setting an app up takes a code from it; being given recovery codes takes nothing.
    if authenticator.type == Authenticator.Type.TOTP:
        request.session[SECOND_FACTOR_SET_AT] = time.time()
    end_other_sessions(request, user)


def _factor_changed(
    sender: object, request: HttpRequest, user: User, **facts: Any
) -> None:
    end_other_sessions(request, user)


def current_language() -> Language:
    """The active language as one of ours."""
    code = (translation.get_language() or Language.ENGLISH).lower()
    return Language(code) if code in Language.values else Language.ENGLISH


def language_of(email: str) -> Language:
    """The language of the account with this address, else that of the request."""
    user = User.objects.filter(email__iexact=email).only("language").first()
    return Language(user.language) if user else current_language()


def _cipher() -> MultiFernet:
    """The first key encrypts; those of older SECRET_KEYs still decrypt."""
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derived(force_bytes(secret))) for secret in secrets])


def _derived(secret: bytes) -> bytes:
    digest = hashlib.sha256(b"accounts.adapters.MFAAdapter" + secret).digest()
    return base64.urlsafe_b64encode(digest)
