"""Keys and webhook endpoints in one list, and a page for each endpoint.

Developers and owners see them. Whatever changes where events go, or what signs them,
asks for a recent sign-in; a secret is shown once, in the answer that made it.
"""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from accounts.access import membership_for, need_recent_sign_in
from accounts.endpoints.forms import EndpointForm
from accounts.models import (
    ApiKey,
    Membership,
    Permission,
    WebhookDelivery,
    WebhookEndpoint,
)
from accounts.rate_limits import count_request
from accounts.shown_once import is_first_time, new_once
from accounts.webhook_endpoint import (
    create_endpoint,
    delete_endpoint,
    pause_endpoint,
    resend,
    resume_endpoint,
    rotate_secret,
    send_test_event,
)

DELIVERIES_SHOWN = 50
ONCE = "webhook_secret_once"


@require_safe
def webhooks(request: HttpRequest) -> HttpResponse:
    organisation = membership_for(request, may=Permission.KEYS).organisation
    endpoints = WebhookEndpoint.objects.kept().filter(organisation=organisation)
    keys = ApiKey.objects.valid(timezone.now()).filter(organisation=organisation)
    context = {"endpoints": endpoints, "keys": keys, "organisation": organisation}
    return render(request, "accounts/endpoints/list.html", context)


@require_http_methods(["GET", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Asks for the address, then shows the secret, once."""
    membership = membership_for(request, may=Permission.KEYS)
    need_recent_sign_in(request)
    form = EndpointForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if not is_first_time(request, ONCE):
            return redirect("webhooks")
        try:
            made, secret = create_endpoint(
                membership.organisation,
                form.cleaned_data["url"],
                form.cleaned_data["events"],
                actor=membership.user,
                at=timezone.now(),
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return _show_secret(request, made, secret)
    context = {"form": form, "once": new_once(request, ONCE)}
    status = 422 if form.errors else 200
    return render(request, "accounts/endpoints/add.html", context, status=status)


@require_safe
def endpoint(request: HttpRequest, pk: int) -> HttpResponse:
    """What it gets, how it does, and its latest deliveries."""
    membership = membership_for(request, may=Permission.KEYS)
    found = _endpoint(membership, pk)
    context = {
        "endpoint": found,
        "organisation": membership.organisation,
        "deliveries": found.deliveries.select_related("event")[:DELIVERIES_SHOWN],
        "zone_at": timezone.now(),
    }
    return render(request, "accounts/endpoints/endpoint.html", context)


@require_POST
def test(request: HttpRequest, pk: int) -> HttpResponse:
    membership = membership_for(request, may=Permission.KEYS)
    found = _endpoint(membership, pk)
    if not found.is_working:
        messages.warning(request, _("Resume the endpoint first."))
    else:
        count_request(request, "send_webhook")
        send_test_event(found, at=timezone.now())
        sent = _("A test event is on its way. Its result appears below in a moment.")
        messages.success(request, sent)
    return redirect("webhook_endpoint", pk)


@require_POST
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    membership = membership_for(request, may=Permission.KEYS)
    need_recent_sign_in(request)
    found = _endpoint(membership, pk)
    if pause_endpoint(found, actor=membership.user, at=timezone.now()):
        messages.success(request, _("No events are sent until you resume it."))
    return redirect("webhook_endpoint", pk)


@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    membership = membership_for(request, may=Permission.KEYS)
    need_recent_sign_in(request)
    found = _endpoint(membership, pk)
    if resume_endpoint(found, actor=membership.user, at=timezone.now()):
        messages.success(request, _("Events are sent again, from the next one on."))
    return redirect("webhook_endpoint", pk)


@require_http_methods(["GET", "POST"])
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """Says what a new secret means, then makes and shows it, once."""
    membership = membership_for(request, may=Permission.KEYS)
    need_recent_sign_in(request)
    found = _endpoint(membership, pk)
    if request.method == "POST":
        if not is_first_time(request, ONCE):
            return redirect("webhook_endpoint", pk)
        secret = rotate_secret(found, actor=membership.user, at=timezone.now())
        return _show_secret(request, found, secret)
    context = {"endpoint": found, "once": new_once(request, ONCE)}
    return render(request, "accounts/endpoints/rotate.html", context)


@require_http_methods(["GET", "POST"])
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    membership = membership_for(request, may=Permission.KEYS)
    need_recent_sign_in(request)
    found = _endpoint(membership, pk)
    if request.method == "POST":
        delete_endpoint(found, actor=membership.user, at=timezone.now())
        messages.success(request, _("The endpoint is deleted."))
        return redirect("webhooks")
    return render(request, "accounts/endpoints/delete.html", {"endpoint": found})


@require_POST
def send_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Resends one delivery, with the same event id."""
    membership = membership_for(request, may=Permission.KEYS)
    theirs = WebhookDelivery.objects.select_related("endpoint").filter(
        endpoint__organisation=membership.organisation, endpoint__deleted_at=None
    )
    delivery = get_object_or_404(theirs, pk=pk)
    if not delivery.endpoint.is_working:
        messages.warning(request, _("Resume the endpoint first."))
    else:
        count_request(request, "send_webhook")
        if resend(delivery, at=timezone.now()):
            messages.success(request, _("The event is sent again."))
    return redirect("webhook_endpoint", delivery.endpoint_id)


def _endpoint(membership: Membership, pk: int) -> WebhookEndpoint:
    kept = WebhookEndpoint.objects.kept().select_related("organisation")
    return get_object_or_404(kept, pk=pk, organisation=membership.organisation)


def _show_secret(
    request: HttpRequest, endpoint: WebhookEndpoint, secret: str
) -> HttpResponse:
    context = {"endpoint": endpoint, "secret": secret}
    response = render(request, "accounts/endpoints/secret.html", context)
    response["Cache-Control"] = "no-store"
    return response
