"""What a reader chooses for themselves: name, language, theme, which organisation."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST
from django.views.i18n import set_language

from accounts import alert_addresses
from accounts.access import CHOSEN, has_second_factor, signed_in
from accounts.forms import AccountForm
from accounts.models import Language, User
from accounts.opt_out import opt_in, opt_out, read_token, unwanted_kinds
from accounts.page_context import THEME_COOKIE, THEMES

A_YEAR = 365 * 24 * 3600  # seconds


@require_http_methods(["GET", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Name and language, and the ways to address, password and second factor."""
    user = signed_in(request)
    form = AccountForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        # The answer already speaks the language that was chosen.
        with translation.override(user.language):
            messages.success(request, _("Your settings are saved."))
        return redirect("account")
    context = {"form": form, "has_second_factor": has_second_factor(user)}
    status = 422 if form.errors else 200
    return render(request, "accounts/account.html", context, status=status)


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Sets the cookie, and remembers it where somebody is signed in."""
    chosen = request.POST.get("language", "")
    if isinstance(request.user, User) and chosen in Language.values:
        User.objects.filter(pk=request.user.pk).update(language=chosen)
    return set_language(request)


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Light, dark, or what the system says; without script this is the way."""
    response = HttpResponseRedirect(_back(request))
    if (theme := request.POST.get("theme", "")) in THEMES:
        response.set_cookie(THEME_COOKIE, theme, max_age=A_YEAR, samesite="Lax")
    else:
        response.delete_cookie(THEME_COOKIE, samesite="Lax")
    return response


@require_POST
def choose_organisation(request: HttpRequest) -> HttpResponse:
    """Which of the reader's organisations the pages are about."""
    mine = signed_in(request).memberships
    wanted = request.POST.get("organisation", "")
    chosen = get_object_or_404(
        mine, organisation_id=int(wanted) if wanted.isdecimal() else 0
    )
    request.session[CHOSEN] = chosen.organisation_id
    return HttpResponseRedirect("/")


# A mail program posts here by itself (RFC 8058): it has no form of ours, and the token
# can do nothing but this.
@csrf_exempt
@require_http_methods(["GET", "POST"])
def stop_notices(request: HttpRequest, token: str) -> HttpResponse:
    """Stops one kind of message for one address, without signing in; or undoes it."""
    meant = read_token(token)
    if meant is None:
        raise Http404
    if request.method == "POST":
        if "again" in request.POST:
            opt_in(meant.organisation, meant.address, meant.kind)
        else:
            at = timezone.now()
            opt_out(meant.organisation, meant.address, meant.kind, at=at)
    stopped = meant.kind in unwanted_kinds(meant.organisation, meant.address)
    context = {"meant": meant, "stopped": stopped}
    return render(request, "accounts/stop_notices.html", context)


@require_http_methods(["GET", "POST"])
def confirm_alert_address(request: HttpRequest, token: str) -> HttpResponse:
    """An address agrees to be told, or does not, without signing in."""
    added = alert_addresses.read_confirm_token(token)
    if added is None:
        raise Http404
    if "no" in request.POST:
        alert_addresses.decline_alert_address(added)
        added.confirmed_at = None
    elif request.method == "POST":
        added.confirmed_at = timezone.now()
        alert_addresses.confirm_alert_address(added, at=added.confirmed_at)
    context = {"added": added, "is_declined": "no" in request.POST}
    return render(request, "accounts/confirm_alert_address.html", context)


def _back(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    hosts = {request.get_host()}
    secure = request.is_secure()
    safe = url_has_allowed_host_and_scheme(wanted, hosts, require_https=secure)
    return wanted if safe and wanted else "/"
