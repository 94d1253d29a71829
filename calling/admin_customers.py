"""Staff pages about an organisation's plans, lines and numbers; imported by admin.py.

Whatever is added or changed here goes through the verbs that customers' pages call.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import client_address, signed_in
from calling.assign_licence import assign_licence, release_licence
from calling.by_verb_admin import ByVerbAdmin
from calling.cancel import cancel_subscription, keep_subscription
from calling.change_quantity import change_quantity
from calling.models import Licence, Line, NumberAssignment, Subscription
from calling.number_history import Service, end_number, give_number
from calling.save_line import add_line, change_line, entry_of
from calling.subscribe import subscribe

if TYPE_CHECKING:
    TabularInline = admin.TabularInline[Any, Any]
else:
    TabularInline = admin.TabularInline

BY_ORGANISATION = ("organisation__name", "organisation__slug")


class SubscriptionForm(forms.ModelForm):  # type: ignore[type-arg]  # not at run time
    """Remembers the number of licences that was shown: another's change is not lost."""

    expected = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Subscription
        fields = ("organisation", "plan", "quantity")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["expected"].initial = self.instance.quantity


@admin.register(Subscription)
class SubscriptionAdmin(ByVerbAdmin):
    """Begins at once; afterwards its number of licences changes, and it may end."""

    form = SubscriptionForm
    list_display = ("organisation", "plan", "quantity", "starts_at", "ends_at")
    list_filter = ("billing_mode", "plan__kind")
    list_select_related = ("organisation", "plan")
    search_fields = BY_ORGANISATION
    raw_id_fields = ("organisation", "plan")
    actions = ("end_with_the_month", "keep")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ("organisation", "plan", "quantity")
        shown = (*self.get_readonly_fields(request, obj), "quantity")
        may_change = self.has_change_permission(request, obj)
        return (*shown, "expected") if may_change else shown

    def get_readonly_fields(
        self, request: HttpRequest, obj: Subscription | None = None
    ) -> tuple[str, ...]:
        if obj is None:
            return ()
        return ("organisation", "plan", "billing_mode", "starts_at", "ends_at")

    def save_model(
        self, request: HttpRequest, obj: Subscription, form: Any, change: Any
    ) -> None:
        at, actor = timezone.now(), signed_in(request)
        if not change:
            made = subscribe(
                obj.organisation, obj.plan, obj.quantity, at=at, actor=actor
            )
            obj.pk = made.pk
            return
        change_quantity(
            obj,
            obj.quantity,
            expected=form.cleaned_data["expected"] or 0,
            at=at,
            actor=actor,
        )

    @admin.action(
        description=gettext_lazy("End with the month"), permissions=["change"]
    )
    def end_with_the_month(
        self, request: HttpRequest, rows: "QuerySet[Subscription]"
    ) -> HttpResponse | None:
        at, actor = timezone.now(), signed_in(request)
        return self.act(
            request,
            rows,
            lambda row, why: cancel_subscription(row, at=at, actor=actor, reason=why),
            action="end_with_the_month",
            title=_("End with the month"),
            effect=_("Licences and minutes stay until the month is over."),
        )

    @admin.action(description=gettext_lazy("Keep after all"), permissions=["change"])
    def keep(
        self, request: HttpRequest, rows: "QuerySet[Subscription]"
    ) -> HttpResponse | None:
        at, actor = timezone.now(), signed_in(request)
        return self.act(
            request,
            rows,
            lambda row, why: keep_subscription(row, at=at, actor=actor, reason=why),
            action="keep",
            title=_("Keep after all"),
            effect=_("Subscriptions that would end with the month go on."),
        )


@admin.register(Licence)
class LicenceAdmin(ByVerbAdmin):
    """Given from this moment on; an action takes it back."""

    list_display = (
        "organisation",
        "line",
        "subscription",
        "assigned_at",
        "released_at",
    )
    list_select_related = ("organisation", "line", "subscription__plan")
    search_fields = (*BY_ORGANISATION, "line__name")
    fields = ("subscription", "line")
    raw_id_fields = ("line", "subscription")
    actions = ("release",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # The list has actions; a row of it is shown.
        return obj is None and super().has_change_permission(request)

    def save_model(
        self, request: HttpRequest, obj: Licence, form: Any, change: Any
    ) -> None:
        given = assign_licence(
            obj.subscription, obj.line, at=timezone.now(), actor=signed_in(request)
        )
        obj.pk, obj.organisation = given.pk, given.organisation

    @admin.action(description=gettext_lazy("Take back"), permissions=["change"])
    def release(
        self, request: HttpRequest, rows: "QuerySet[Licence]"
    ) -> HttpResponse | None:
        at, actor = timezone.now(), signed_in(request)
        return self.act(
            request,
            rows,
            lambda row, why: release_licence(row, at=at, actor=actor, reason=why),
            action="release",
            title=_("Take back"),
            effect=_(
                "The licences are free for other lines; this month's minutes stay."
            ),
        )


class NumberInline(TabularInline):
    model = NumberAssignment
    extra = 0
    fields = ("number", "starts_at", "ends_at")
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Line)
class LineAdmin(ByVerbAdmin):
    list_display = (
        "name",
        "organisation",
        "identity",
        "usage_country",
        "department",
        "may_spend_credits",
        "is_active",
    )
    list_filter = ("kind", "usage_country", "may_spend_credits", "is_active")
    list_select_related = ("organisation",)
    search_fields = ("name", "identity", *BY_ORGANISATION)
    raw_id_fields = ("organisation",)
    inlines = [NumberInline]

    def get_readonly_fields(
        self, request: HttpRequest, obj: Line | None = None
    ) -> tuple[str, ...]:
        return ("organisation",) if obj is not None else ()

    def save_model(
        self, request: HttpRequest, obj: Line, form: Any, change: Any
    ) -> None:
        at, actor, ip = timezone.now(), signed_in(request), client_address(request)
        if not change:
            made = add_line(obj.organisation, entry_of(obj), at=at, actor=actor, ip=ip)
            obj.pk = made.pk
            return
        line = Line.objects.select_related("organisation").get(pk=obj.pk)
        given = {name: getattr(obj, name) for name in form.cleaned_data}
        change_line(line, replace(entry_of(line), **given), at=at, actor=actor, ip=ip)


@admin.register(NumberAssignment)
class NumberAssignmentAdmin(ByVerbAdmin):
    """Given from a moment on, perhaps in the past; afterwards it may only end."""

    list_display = (
        "number",
        "organisation",
        "line",
        "service_kind",
        "is_bridge",
        "starts_at",
        "ends_at",
    )
    list_filter = ("service_kind", "is_bridge")
    list_select_related = ("organisation", "line")
    search_fields = ("number", *BY_ORGANISATION)
    raw_id_fields = ("organisation", "line")

    def get_readonly_fields(
        self, request: HttpRequest, obj: NumberAssignment | None = None
    ) -> tuple[str, ...]:
        if obj is None:
            return ()
        kept = tuple(field for field in self.list_display if field != "ends_at")
        return kept if obj.ends_at is None else (*kept, "ends_at")

    def save_model(
        self, request: HttpRequest, obj: NumberAssignment, form: Any, change: Any
    ) -> None:
        at, actor, ip = timezone.now(), signed_in(request), client_address(request)
        ends_at = form.cleaned_data.get("ends_at")
        given = obj
        if not change:
            given = give_number(
                obj.organisation,
                obj.number,
                to=obj.line or Service(obj.service_kind, obj.is_bridge),
                starts_at=obj.starts_at,
                at=at,
                actor=actor,
                ip=ip,
            )
            obj.pk = given.pk
        if ends_at is not None:
            end_number(given, ends_at=ends_at, at=at, actor=actor, ip=ip)
