"""Two pages of before and after: a deck to be activated, a version to go back to.

Looking changes nothing. The form below asks for a reason; its token works once, and it
names the version it was compared with, so that nobody confirms what they did not see.
"""

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import signed_in
from accounts.ask_reason import ReasonForm
from accounts.refusals import TollgateError
from calling.activate_rates import (
    activate_deck,
    deck_of,
    restore_version,
)
from calling.decks.look import look_at
from calling.decks.record import BadDeck
from calling.models import DeckUpload, RateCardVersion
from calling.preview_rates import Preview, preview_deck, preview_version
from calling.rates.admin_forms import RollBackForm

ONCE = "rates_once"
SHOWN_ERRORS = 50
SHOWN_LOST = 20
Page: TypeAlias = "admin.ModelAdmin[Any]"


def show_deck(
    request: HttpRequest, page: Page, upload: DeckUpload, *, may_activate: bool
) -> HttpResponse:
    """The deck's page; activates it when the form is sent."""
    form = ReasonForm(request.POST or None)
    now = timezone.now()
    if request.method == "POST":
        if not may_activate:
            raise PermissionDenied
        if form.is_valid():
            reason = form.cleaned_data["reason"]
            done = _once(
                request, page, lambda basis: _activate(request, upload, basis, reason)
            )
            if done:
                page.log_change(request, upload, "activate_rates")
            return redirect(request.path)
    preview, problem = _preview(upload, now)
    context = {
        "title": str(upload),
        "upload": upload,
        "look": look_at(bytes(upload.content), upload.hints()),
        "problem": problem,
        "form": form if may_activate and _may_still(upload, preview) else None,
        **_shown(request, preview),
    }
    return _page(request, page, "admin/calling/deck.html", context)


def show_roll_back(
    request: HttpRequest, page: Page, version: RateCardVersion
) -> HttpResponse | None:
    """The action's page; None once it is done or refused.

    Another date is another comparison: it is shown before it can be confirmed.
    """
    form = RollBackForm(request.POST if "confirmed" in request.POST else None)
    valid_from = form.cleaned_data.get("valid_from") if form.is_valid() else None
    shown_for = valid_from.isoformat() if valid_from else ""
    if form.is_valid() and request.POST.get("shown_for") == shown_for:
        reason = form.cleaned_data["reason"]
        _once(
            request,
            page,
            lambda basis: _roll_back(request, version, basis, valid_from, reason),
        )
        return None
    preview = preview_version(version, valid_from=valid_from, at=timezone.now())
    context = {
        "title": _("Roll back to %(version)s") % {"version": version},
        "version": version,
        "form": form,
        "shown_for": shown_for,
        "action": "roll_back",
        "checkbox": ACTION_CHECKBOX_NAME,
        **_shown(request, preview),
    }
    return _page(request, page, "admin/calling/roll_back.html", context)


def _roll_back(
    request: HttpRequest,
    version: RateCardVersion,
    basis: int | None,
    valid_from: datetime | None,
    reason: str,
) -> str:
    made = restore_version(
        version,
        valid_from=valid_from,
        basis=basis,
        actor=signed_in(request),
        reason=reason,
        at=timezone.now(),
    )
    return _in_force([made])


def _activate(
    request: HttpRequest, upload: DeckUpload, basis: int | None, reason: str
) -> str:
    done = activate_deck(
        upload, basis=basis, actor=signed_in(request), reason=reason, at=timezone.now()
    )
    return _in_force(done.versions)


def _in_force(versions: list[RateCardVersion]) -> str:
    return " ".join(
        _("%(version)s is in force from %(date)s UTC.")
        % {"version": version, "date": f"{version.valid_from:%Y-%m-%d %H:%M}"}
        for version in versions
    )


def _once(request: HttpRequest, page: Page, act: Callable[[int | None], str]) -> bool:
    """Acts if the form was not sent before, and says what came of it."""
    token = request.session.pop(ONCE, None)
    if token is None or token != request.POST.get("once"):
        sent = _("This form was sent before; nothing was done again.")
        page.message_user(request, sent, messages.WARNING)
        return False
    basis = request.POST.get("basis", "")
    try:
        told = act(int(basis) if basis.isdecimal() else None)
    except (TollgateError, BadDeck) as refused:
        page.message_user(request, str(refused), messages.ERROR)
        return False
    page.message_user(request, told, messages.SUCCESS)
    return True


def _preview(upload: DeckUpload, now: datetime) -> tuple[Preview | None, str]:
    if upload.activated_at is not None:
        return None, ""
    try:
        starts_at = upload.valid_from
        if starts_at is not None and starts_at < now:
            starts_at = None  # its date has passed: it would come into force now
        found = preview_deck(deck_of(upload), upload.card, valid_from=starts_at, at=now)
    except BadDeck as problem:
        return None, str(problem)
    return found, ""


def _may_still(upload: DeckUpload, preview: Preview | None) -> bool:
    return preview is not None and not preview.difference.is_empty


def _shown(request: HttpRequest, preview: Preview | None) -> dict[str, object]:
    once = request.session[ONCE] = secrets.token_urlsafe(16)
    if preview is None:
        return {"once": once, "preview": None}
    rejected = preview.counts.rejected
    return {
        "once": once,
        "preview": preview,
        "difference": preview.difference,
        "traffic": preview.traffic,
        "currency": preview.card.currency,
        "rejected": rejected[:SHOWN_ERRORS],
        "more_rejected": max(0, rejected.total - SHOWN_ERRORS),
        "lost": preview.difference.lost[:SHOWN_LOST],
        "more_lost": max(0, len(preview.difference.lost) - SHOWN_LOST),
        "basis": preview.basis.pk if preview.basis is not None else "",
    }


def _page(
    request: HttpRequest, page: Page, template: str, context: dict[str, object]
) -> HttpResponse:
    shared = {**page.admin_site.each_context(request), "opts": page.opts}
    return TemplateResponse(request, template, {**shared, **context})
