"""Staff pages about webhooks and about who is told what: read, pause, resend."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import signed_in
from accounts.ask_reason import ActsWithReason
from accounts.models import (
    NoticeEpisode,
    NoticeOptOut,
    WebhookDelivery,
    WebhookEndpoint,
)
from accounts.read_only_admin import ReadOnlyAdmin
from accounts.webhook_endpoint import pause_endpoint, resend


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ActsWithReason, ReadOnlyAdmin):
    list_display = (
        "url",
        "organisation",
        "created_at",
        "failing_since",
        "paused_at",
        "disabled_at",
        "disabled_code",
        "deleted_at",
    )
    list_filter = ("disabled_code", ("deleted_at", admin.EmptyFieldListFilter))
    list_select_related = ("organisation",)
    search_fields = ("url", "organisation__name", "organisation__slug")
    exclude = ("secret", "old_secret")
    actions = ("pause",)

    def has_pause_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("accounts.change_webhookendpoint")

    @admin.action(description=gettext_lazy("Pause"), permissions=["pause"])
    def pause(
        self, request: HttpRequest, endpoints: QuerySet[WebhookEndpoint]
    ) -> HttpResponse | None:
        actor, at = signed_in(request), timezone.now()
        return self.act(
            request,
            endpoints.select_related("organisation"),
            lambda endpoint, reason: pause_endpoint(
                endpoint, actor=actor, reason=reason, at=at
            ),
            action="pause",
            title=_("Pause webhook endpoints"),
            effect=_("No more events are sent to them until the customer resumes."),
            told=_("Paused endpoints: %(count)s."),
        )


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "event",
        "endpoint",
        "tries",
        "status",
        "error",
        "delivered_at",
        "next_try_at",
    )
    list_filter = (("delivered_at", admin.EmptyFieldListFilter),)
    list_select_related = ("event", "endpoint")
    date_hierarchy = "created_at"
    search_fields = (
        "event__public_id",
        "event__type",
        "endpoint__url",
        "endpoint__organisation__name",
        "endpoint__organisation__slug",
    )
    actions = ("send_again",)

    def has_send_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("accounts.change_webhookdelivery")

    @admin.action(description=gettext_lazy("Send again"), permissions=["send"])
    def send_again(
        self, request: HttpRequest, deliveries: QuerySet[WebhookDelivery]
    ) -> None:
        at = timezone.now()
        sent = [resend(delivery, at=at) for delivery in deliveries]
        told = _("Events sent again: %(count)s.") % {"count": sum(sent)}
        self.message_user(request, told, messages.SUCCESS)


@admin.register(NoticeEpisode)
class NoticeEpisodeAdmin(ReadOnlyAdmin):
    list_display = ("kind", "organisation", "subject", "opened_at", "closed_at")
    list_filter = ("kind", ("closed_at", admin.EmptyFieldListFilter))
    list_select_related = ("organisation",)
    date_hierarchy = "opened_at"
    search_fields = ("subject", "organisation__name", "organisation__slug")


@admin.register(NoticeOptOut)
class NoticeOptOutAdmin(ReadOnlyAdmin):
    list_display = ("address", "kind", "organisation", "opted_out_at")
    list_filter = ("kind",)
    list_select_related = ("organisation",)
    search_fields = ("address", "organisation__name", "organisation__slug")
