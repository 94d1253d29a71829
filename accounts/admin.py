"""Staff pages about people, keys, the provider and what waits for a person."""

import secrets
from datetime import datetime
from typing import Any

from allauth.mfa import admin as mfa_admin  # registers its page before we replace it
from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from simple_history.admin import SimpleHistoryAdmin

from accounts import admin_webhooks  # noqa: F401  # its pages
from accounts.access import signed_in
from accounts.admin_forms import IssueKeyForm, NewUserForm, UserForm
from accounts.ask_reason import ROWS_AT_MOST, ActsWithReason, ask_reason
from accounts.keys import issue_key, revoke_key, rotate_key
from accounts.models import (
    ApiKey,
    AuditEvent,
    BillingModePeriod,
    Membership,
    Notice,
    ProviderSettings,
    StaffTask,
    User,
)
from accounts.read_only_admin import ReadOnlyAdmin
from accounts.replay_task import can_replay, replay_task
from accounts.staff_tasks import finish_staff_task

admin.site.site_header = "Tollgate"
admin.site.site_title = "Tollgate"
admin.site.unregister(mfa_admin.Authenticator)


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    extra = 0
    raw_id_fields = ("organisation",)


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]  # not at run time
    form = UserForm
    add_form = NewUserForm
    list_display = ("email", "name", "language", "is_staff", "is_active", "last_login")
    list_filter = ("is_staff", "is_active", "language")
    search_fields = ("email", "name")
    ordering = ("email",)
    list_per_page = 50
    show_full_result_count = False
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ("groups", "user_permissions")
    fieldsets = (
        (None, {"fields": ("email", "password", "name", "language")}),
        (gettext_lazy("Access"), {"fields": ("is_active", "is_staff")}),
        (
            gettext_lazy("Staff permissions"),
            {"fields": ("is_superuser", "groups", "user_permissions")},
        ),
        (gettext_lazy("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "fields": (
                    "email",
                    "name",
                    "language",
                    "usable_password",
                    "password1",
                    "password2",
                )
            },
        ),
    )

    def get_inlines(self, request: HttpRequest, obj: User | None) -> list[Any]:
        return [MembershipInline] if obj else []

    def get_readonly_fields(
        self, request: HttpRequest, obj: User | None = None
    ) -> tuple[str, ...]:
        fixed = tuple(super().get_readonly_fields(request, obj))
        if signed_in(request).is_superuser:
            return fixed
        # Whoever may edit accounts may not thereby give themselves more.
        return (*fixed, "is_staff", "is_superuser", "groups", "user_permissions")

    def has_change_permission(
        self, request: HttpRequest, obj: User | None = None
    ) -> bool:
        above = obj is not None and (obj.is_superuser or obj.is_staff)
        if above and not signed_in(request).is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(
        self, request: HttpRequest, obj: User | None = None
    ) -> bool:
        return False  # what they did must keep its author: switch the account off


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not at run time
    list_display = ("user", "organisation", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "organisation")
    search_fields = ("user__email", "organisation__name", "organisation__slug")
    raw_id_fields = ("user", "organisation")
    list_per_page = 50


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnlyAdmin):
    """Support may take a lost device away; nobody reads its secret."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("user__email",)
    fields = ("user", "type", "created_at", "last_used_at")

    def has_delete_permission(
        self, request: HttpRequest, obj: Authenticator | None = None
    ) -> bool:
        return bool(signed_in(request).is_superuser)


@admin.register(ApiKey)
class ApiKeyAdmin(ActsWithReason, ReadOnlyAdmin):
    list_display = (
        "name",
        "prefix",
        "organisation",
        "scopes",
        "allowed_ips",
        "expires_at",
        "revoked_at",
        "last_used_at",
    )
    list_filter = (("organisation", admin.EmptyFieldListFilter), "revoked_at")
    list_select_related = ("organisation",)
    search_fields = ("name", "prefix", "organisation__name", "organisation__slug")
    exclude = ("digest",)
    actions = ("rotate", "revoke")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("accounts.manage_keys")

    def has_rotate_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("accounts.manage_keys")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("accounts.manage_keys")

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Asks for a key's particulars, then shows its secret, once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = IssueKeyForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            return self._issue(request, form)
        once = request.session["issue_key_once"] = secrets.token_urlsafe(8)
        return self._page(request, form=form, once=once)

    def _issue(self, request: HttpRequest, form: IssueKeyForm) -> HttpResponse:
        once = request.session.pop("issue_key_once", None)
        if once is None or once != request.POST.get("once"):
            # A reload or a second click must not make a second key.
            sent = _("This form was sent before. Fill in a new one for another key.")
            self.message_user(request, sent, messages.WARNING)
            return redirect("admin:accounts_apikey_changelist")
        key, secret = issue_key(
            **form.cleaned_data, actor=signed_in(request), at=timezone.now()
        )
        self.log_addition(request, key, [{"added": {}}])
        return self._page(request, secret=secret)

    def _page(self, request: HttpRequest, **context: object) -> HttpResponse:
        shared = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Issue an API key"),
        }
        page = "admin/accounts/apikey/issue.html"
        return TemplateResponse(request, page, {**shared, **context})

    @admin.action(description=gettext_lazy("Rotate"), permissions=["rotate"])
    def rotate(
        self, request: HttpRequest, keys: QuerySet[ApiKey]
    ) -> HttpResponse | None:
        """One key at a time: its successor's secret is shown once."""
        if keys.count() != 1:
            self.message_user(request, _("Choose one key."), messages.WARNING)
            return None
        reason = ask_reason(
            request,
            self,
            keys,
            action="rotate",
            title=_("Rotate the key"),
            effect=_(
                "A new key that may do the same is made and shown once. "
                "For one day both are valid."
            ),
        )
        if not isinstance(reason, str):
            return reason
        actor, at = signed_in(request), timezone.now()
        try:
            _new, secret = rotate_key(keys.get(), actor=actor, reason=reason, at=at)
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.WARNING)
            return None
        return self._page(request, secret=secret)

    @admin.action(description=gettext_lazy("Revoke"), permissions=["revoke"])
    def revoke(
        self, request: HttpRequest, keys: QuerySet[ApiKey]
    ) -> HttpResponse | None:
        actor, at = signed_in(request), timezone.now()
        return self.act(
            request,
            keys,
            lambda key, reason: revoke_key(key, actor=actor, reason=reason, at=at),
            action="revoke",
            title=_("Revoke API keys"),
            effect=_("These keys stop working at once and can never be used again."),
            told=_("Revoked keys: %(count)s."),
        )


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor", "organisation", "verb", "object", "reason")
    list_filter = ("verb",)
    list_select_related = ("actor", "organisation")
    date_hierarchy = "at"
    search_fields = (
        "object",
        "reason",
        "request_id",
        "actor__email",
        "organisation__name",
        "organisation__slug",
    )


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "kind",
        "organisation",
        "recipient",
        "language",
        "tries",
        "sent_at",
        "next_try_at",
        "error",
    )
    list_filter = ("kind", ("sent_at", admin.EmptyFieldListFilter))
    list_select_related = ("organisation",)
    date_hierarchy = "created_at"
    search_fields = (
        "recipient",
        "episode",
        "organisation__name",
        "organisation__slug",
    )


def _replay(task: StaffTask, actor: User, at: datetime) -> tuple[str, int]:
    if not can_replay(task):
        return _("Only a person can decide this."), messages.WARNING
    try:
        replayed = replay_task(task, actor=actor, at=at)
    except Exception as error:  # noqa: BLE001  # shown to the one who clicked
        return f"{type(error).__name__}: {error}", messages.ERROR
    return replayed.sentence, (
        messages.SUCCESS if replayed.is_settled else messages.WARNING
    )


@admin.register(StaffTask)
class StaffTaskAdmin(ActsWithReason, ReadOnlyAdmin):
    list_display = (
        "created_at",
        "kind",
        "organisation",
        "reference",
        "detail",
        "done_at",
        "done_by",
    )
    list_filter = (("done_at", admin.EmptyFieldListFilter), "kind")
    list_select_related = ("organisation", "done_by")
    search_fields = ("reference", "detail", "organisation__name", "organisation__slug")
    actions = ("process_again", "finish")

    def has_finish_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("accounts.change_stafftask")

    @admin.action(description=gettext_lazy("Process again"), permissions=["finish"])
    def process_again(self, request: HttpRequest, tasks: QuerySet[StaffTask]) -> None:
        """One click: what is behind each task is tried anew, and its answer shown."""
        actor, at = signed_in(request), timezone.now()
        for task in tasks.select_related("organisation")[:ROWS_AT_MOST]:
            told, level = _replay(task, actor, at)
            self.message_user(request, f"{task}: {told}", level)

    @admin.action(description=gettext_lazy("Mark as done"), permissions=["finish"])
    def finish(
        self, request: HttpRequest, tasks: QuerySet[StaffTask]
    ) -> HttpResponse | None:
        actor, at = signed_in(request), timezone.now()
        return self.act(
            request,
            tasks.select_related("organisation"),
            lambda task, reason: finish_staff_task(
                task, actor=actor, reason=reason, at=at
            ),
            action="finish",
            title=_("Mark tasks as done"),
            effect=_("Say what was decided and done. The tasks leave the list."),
            told=_("Tasks marked as done: %(count)s."),
        )


@admin.register(ProviderSettings)
class ProviderSettingsAdmin(SimpleHistoryAdmin):  # type: ignore[misc]  # untyped
    """One row; its list leads straight to it."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not (
            ProviderSettings.objects.exists()
        )

    def has_delete_permission(
        self, request: HttpRequest, obj: ProviderSettings | None = None
    ) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: ProviderSettings, form: object, *args: object
    ) -> None:
        obj.pk = 1
        super().save_model(request, obj, form, *args)


@admin.register(BillingModePeriod)
class BillingModePeriodAdmin(ReadOnlyAdmin):
    list_display = ("organisation", "billing_mode", "starts_at", "ends_at")
    list_filter = ("billing_mode",)
    list_select_related = ("organisation",)
    search_fields = ("organisation__name", "organisation__slug")
