"""API keys of an organisation: make, rotate, revoke; the list is that of webhooks.

Developers and owners see them. Each asks for a recent sign-in; a secret is shown once,
in the answer that made it.
"""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import membership_for, need_recent_sign_in
from accounts.api_keys.forms import KeyForm
from accounts.keys import issue_key, revoke_key, rotate_key
from accounts.models import ApiKey, Membership, Permission
from accounts.shown_once import is_first_time, new_once

ONCE = "api_key_once"


@require_http_methods(["GET", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Asks what the key may do, then shows its secret, once."""
    membership = membership_for(request, may=Permission.KEYS)
    need_recent_sign_in(request)
    form = KeyForm(request.POST or None, organisation=membership.organisation)
    if request.method == "POST" and form.is_valid():
        if not is_first_time(request, ONCE):
            return redirect("webhooks")
        key, secret = issue_key(
            form.cleaned_data["name"],
            organisation=membership.organisation,
            scopes=form.cleaned_data["scopes"],
            allowed_ips=form.cleaned_data["allowed_ips"],
            expires_at=form.cleaned_data["last_day"],
            actor=membership.user,
            reason="",
            at=timezone.now(),
        )
        return _show_secret(request, key, secret)
    context = {"form": form, "once": new_once(request, ONCE)}
    status = 422 if form.errors else 200
    return render(request, "accounts/api_keys/add.html", context, status=status)


@require_http_methods(["GET", "POST"])
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """Says that both are valid for a day, then makes and shows the new one, once."""
    membership = membership_for(request, may=Permission.KEYS)
    need_recent_sign_in(request)
    key = _key(membership, pk)
    if request.method == "POST":
        if not is_first_time(request, ONCE):
            return redirect("webhooks")
        at = timezone.now()
        try:
            new, secret = rotate_key(key, actor=membership.user, reason="", at=at)
        except ValidationError as error:
            messages.warning(request, " ".join(error.messages))
            return redirect("webhooks")
        return _show_secret(request, new, secret)
    context = {"key": key, "once": new_once(request, ONCE)}
    return render(request, "accounts/api_keys/rotate.html", context)


@require_http_methods(["GET", "POST"])
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    membership = membership_for(request, may=Permission.KEYS)
    need_recent_sign_in(request)
    key = _key(membership, pk)
    if request.method == "POST":
        revoke_key(key, actor=membership.user, reason="", at=timezone.now())
        messages.success(request, _("The key is revoked. It does nothing any more."))
        return redirect("webhooks")
    return render(request, "accounts/api_keys/revoke.html", {"key": key})


def _key(membership: Membership, pk: int) -> ApiKey:
    keys = ApiKey.objects.valid(timezone.now())
    return get_object_or_404(keys, pk=pk, organisation=membership.organisation)


def _show_secret(request: HttpRequest, key: ApiKey, secret: str) -> HttpResponse:
    context = {"key": key, "secret": secret}
    response = render(request, "accounts/api_keys/secret.html", context)
    response["Cache-Control"] = "no-store"
    return response
