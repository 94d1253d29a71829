"""Staff pages of rates: cards, versions, suppliers, and decks on their way in.

Uploading shows what a deck would change; activating it, and rolling back, asks for a
reason beside before and after, and happens once.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from djmoney.money import Money

from accounts.access import signed_in
from accounts.ask_reason import ask_reason
from accounts.read_only_admin import ReadOnlyAdmin
from accounts.refusals import TollgateError
from calling.choose_default_card import choose_default_card
from calling.models import DeckMapping, DeckUpload, Rate, RateCard, RateCardVersion
from calling.rates.admin_activate import show_deck, show_roll_back
from calling.rates.admin_forms import CardForm, UploadForm
from credits.money import to_money

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


@admin.register(RateCard)
class RateCardAdmin(ModelAdmin):
    """A new card has no rates; a deck brings them. Staff choose the default."""

    form = CardForm
    list_display = (
        "name",
        "currency",
        "purpose",
        "organisation",
        "is_default",
        "notice_days",
    )
    list_filter = ("currency", "purpose", "is_default")
    list_select_related = ("organisation",)
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("name", "organisation__name", "organisation__slug")
    raw_id_fields = ("organisation",)
    actions = ("make_default",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        kept = ("name", "currency", "purpose", "organisation")
        return (*kept, "is_default", "notice_days") if obj else kept

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("currency", "purpose", "organisation", "is_default") if obj else ()

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False  # calls refer to it

    def has_make_default_permission(self, request: HttpRequest) -> bool:
        return may_activate(request)

    @admin.action(
        description=gettext_lazy("Make everybody's default"),
        permissions=["make_default"],
    )
    def make_default(
        self, request: HttpRequest, cards: "QuerySet[RateCard]"
    ) -> HttpResponse | None:
        reason = ask_reason(
            request,
            self,
            cards,
            action="make_default",
            title=_("Make everybody's default"),
            effect=_(
                "From the next call on these cards price every organisation of their "
                "currency that has no card of its own."
            ),
        )
        if not isinstance(reason, str):
            return reason
        for card in cards:
            self._choose(request, card, reason)
        return None

    def _choose(self, request: HttpRequest, card: RateCard, reason: str) -> None:
        actor, at = signed_in(request), timezone.now()
        try:
            done = choose_default_card(card, actor=actor, reason=reason, at=at)
        except TollgateError as refused:
            self.message_user(request, f"{card}: {refused}", messages.ERROR)
            return
        if done:
            self.log_change(request, card, "make_default")
        told = _("%(card)s is the default now.") % {"card": card}
        self.message_user(request, told, messages.SUCCESS)


@admin.register(RateCardVersion)
class RateCardVersionAdmin(ReadOnlyAdmin):
    list_display = (
        "card",
        "number",
        "valid_from",
        "rate_count",
        "imported_at",
        "told_at",
        "restores",
    )
    list_filter = ("card",)
    list_select_related = ("card", "restores__card")
    search_fields = ("card__name",)
    date_hierarchy = "valid_from"
    ordering = ("-valid_from", "-number")
    actions = ("roll_back",)

    def has_roll_back_permission(self, request: HttpRequest) -> bool:
        return may_activate(request)

    @admin.action(
        description=gettext_lazy("Roll back to this version"), permissions=["roll_back"]
    )
    def roll_back(
        self, request: HttpRequest, versions: "QuerySet[RateCardVersion]"
    ) -> HttpResponse | None:
        chosen = list(versions.select_related("card")[:2])
        if len(chosen) != 1:
            one = _("Choose one version to roll back to.")
            self.message_user(request, one, messages.ERROR)
            return None
        return show_roll_back(request, self, chosen[0])


@admin.register(Rate)
class RateAdmin(ReadOnlyAdmin):
    list_display = (
        "prefix",
        "destination",
        "country",
        "number_type",
        "price",
        "interval_1",
        "interval_n",
        "is_blocked",
        "held_since",
        "version",
    )
    list_filter = ("number_type", "is_blocked")
    list_select_related = ("version__card",)
    search_fields = ("prefix__startswith", "destination", "version__card__name")

    @admin.display(description=gettext_lazy("rate per minute"))
    def price(self, rate: Rate) -> Money:
        return to_money(rate.rate_per_minute, rate.version.card.currency)


@admin.register(DeckMapping)
class DeckMappingAdmin(ModelAdmin):
    list_display = ("name", "profile", "charset", "time_zone")
    list_filter = ("profile",)
    search_fields = ("name",)

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return super().has_delete_permission(request, obj) and not (
            isinstance(obj, DeckMapping) and obj.uploads.exists()
        )


@admin.register(DeckUpload)
class DeckUploadAdmin(ReadOnlyAdmin):
    list_display = (
        "file_name",
        "card",
        "profile",
        "mode",
        "uploaded_by",
        "uploaded_at",
        "activated_by",
        "activated_at",
        "version",
    )
    list_filter = (("activated_at", admin.EmptyFieldListFilter), "card")
    list_select_related = ("card", "uploaded_by", "activated_by", "version__card")
    search_fields = ("file_name", "card__name")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[DeckUpload]":
        return super().get_queryset(request).defer("content")

    def has_view_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return self.has_add_permission(request) or may_activate(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("calling.import_ratedeck")

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Keeps the file, then shows what it would change."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            upload = form.keep(actor=signed_in(request), at=timezone.now())
            self.log_addition(request, upload, [{"added": {}}])
            return redirect("admin:calling_deckupload_change", upload.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Upload a rate deck"),
            "form": form,
        }
        return TemplateResponse(request, "admin/calling/upload_deck.html", context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """What the deck would change, and the form that activates it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = DeckUpload.objects.select_related("card", "mapping", "version__card")
        upload = get_object_or_404(rows, pk=object_id)
        return show_deck(request, self, upload, may_activate=may_activate(request))


def may_activate(request: HttpRequest) -> bool:
    return signed_in(request).has_perm("calling.activate_ratedeck")
