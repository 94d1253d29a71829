"""Holds and denied calls for staff: to read and search; a stuck hold is released."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from djmoney.money import Money

from accounts.access import signed_in
from accounts.read_only_admin import ReadOnlyAdmin
from calling.by_verb_admin import ByVerbAdmin
from calling.live.release_stuck import release_stuck
from calling.models import DeniedCall
from credits.models import Hold
from credits.money import to_money

BY_ORGANISATION = ("organisation__name", "organisation__slug")


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin, ByVerbAdmin):
    """Open ones first in a list of their own; nothing is changed by hand."""

    actions = ("release",)
    list_display = (
        "call_key",
        "organisation",
        "state",
        "kind",
        "caller",
        "callee",
        "held",
        "pool_seconds",
        "opened_at",
        "deadline_at",
        "closed_at",
    )
    list_filter = ("state", "kind")
    list_select_related = ("organisation",)
    date_hierarchy = "opened_at"
    search_fields = ("=call_key", "=caller", "=callee", *BY_ORGANISATION)

    @admin.display(description=_("held"), ordering="amount")
    def held(self, hold: Hold) -> Money:
        return to_money(hold.amount, hold.organisation.currency)

    def has_release_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("credits.release_hold")

    @admin.action(description=_("Release stuck hold"), permissions=["release"])
    def release(
        self, request: HttpRequest, holds: "QuerySet[Hold]"
    ) -> HttpResponse | None:
        def verb(hold: Hold, reason: str) -> None:
            at = timezone.now()
            release_stuck(hold, reason=reason, actor=signed_in(request), at=at)

        return self.act(
            request,
            holds,
            verb,
            action="release",
            title=_("Release stuck holds"),
            effect=_(
                "What the calls hold is free again, and nothing is billed. Only holds "
                "past their deadline are released; a record that comes later is "
                "charged as usual."
            ),
        )


@admin.register(DeniedCall)
class DeniedCallAdmin(ReadOnlyAdmin):
    actions = None
    list_display = ("asked_at", "organisation", "code", "kind", "caller", "callee")
    list_filter = ("code", "kind")
    list_select_related = ("organisation",)
    date_hierarchy = "asked_at"
    search_fields = ("=call_key", "=caller", "=callee", *BY_ORGANISATION)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return super().get_queryset(request).order_by("-asked_at", "-pk")
