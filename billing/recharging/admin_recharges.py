"""Staff pages about auto-recharge: what was agreed, tried, skipped; and the switches.

Everything is shown and nothing typed: each action asks why and calls the verb.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import signed_in
from accounts.ask_reason import ActsWithReason
from accounts.read_only_admin import ReadOnlyAdmin
from billing.models import (
    AutoRecharge,
    Consent,
    PaymentMethod,
    RechargeAttempt,
    RechargeStop,
    RechargeTry,
    SkippedRecharge,
)
from billing.recharging.approve_recharge import give_up_recharge
from billing.recharging.auto_recharge import allow_auto_recharge, stop_auto_recharge
from billing.recharging.card_breaker import resume_payment_method
from billing.recharging.recharge_stop import lift_recharge_stop, stop_all_recharges
from billing.recharging.recharge_words import skipped_sentence

if TYPE_CHECKING:
    TabularInline = admin.TabularInline[Any, Any]
else:
    TabularInline = admin.TabularInline

BY_ORGANISATION = ("organisation__name", "organisation__slug")


class TryInline(TabularInline):
    model = RechargeTry
    extra = 0
    can_delete = False
    fields = (
        "number",
        "payment_method",
        "outcome",
        "failure_code",
        "stripe_key",
        "stripe_payment_intent_id",
        "made_at",
        "first_sent_at",
        "last_sent_at",
        "ended_at",
    )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ActingAdmin(ActsWithReason, ReadOnlyAdmin):
    """Shows, and acts on what is chosen once somebody has said why."""

    def has_stop_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("billing.stop_recharge")

    def has_resume_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("billing.resume_card")

    def has_give_up_permission(self, request: HttpRequest) -> bool:
        return signed_in(request).has_perm("billing.give_up_recharge")

    def allow_again(
        self,
        request: HttpRequest,
        rows: "QuerySet[Any]",
        verb: Callable[[Any, str], object],
        *,
        action: str,
    ) -> HttpResponse | None:
        """What both kinds of stop are lifted with."""
        return self.act(
            request,
            rows,
            verb,
            action=action,
            title=_("Allow auto-recharge again"),
            effect=_("Wallets below their trigger are charged within a minute."),
        )


@admin.register(AutoRecharge)
class AutoRechargeAdmin(ActingAdmin):
    list_display = (
        "organisation",
        "trigger",
        "amount",
        "monthly_limit",
        "payment_method",
        "backup",
        "stopped_at",
        "switched_on_at",
    )
    list_filter = ("currency", ("stopped_at", admin.EmptyFieldListFilter))
    list_select_related = ("organisation", "payment_method", "backup")
    search_fields = BY_ORGANISATION
    actions = ("stop", "allow")

    @admin.action(description=gettext_lazy("Stop auto-recharge"), permissions=["stop"])
    def stop(
        self, request: HttpRequest, rows: "QuerySet[AutoRecharge]"
    ) -> HttpResponse | None:
        actor, at = signed_in(request), timezone.now()
        return self.act(
            request,
            rows,
            action="stop",
            title=_("Stop auto-recharge"),
            effect=_("Nothing more is charged there until it is allowed again."),
            verb=lambda row, reason: stop_auto_recharge(
                row.organisation, reason, actor=actor, at=at
            ),
        )

    @admin.action(
        description=gettext_lazy("Allow auto-recharge again"), permissions=["stop"]
    )
    def allow(
        self, request: HttpRequest, rows: "QuerySet[AutoRecharge]"
    ) -> HttpResponse | None:
        actor, at = signed_in(request), timezone.now()
        return self.allow_again(
            request,
            rows,
            lambda row, reason: allow_auto_recharge(
                row.organisation, reason, actor=actor, at=at
            ),
            action="allow",
        )


@admin.register(PaymentMethod)
class PaymentMethodAdmin(ActingAdmin):
    list_display = (
        "organisation",
        "__str__",
        "is_default",
        "declines",
        "suspended_at",
        "suspended_code",
        "removed_at",
    )
    list_filter = (
        ("suspended_at", admin.EmptyFieldListFilter),
        ("removed_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("organisation",)
    search_fields = (*BY_ORGANISATION, "=stripe_payment_method_id", "=last_four")
    actions = ("resume",)

    @admin.action(
        description=gettext_lazy("Resume paused cards"), permissions=["resume"]
    )
    def resume(
        self, request: HttpRequest, cards: "QuerySet[PaymentMethod]"
    ) -> HttpResponse | None:
        actor, at = signed_in(request), timezone.now()
        return self.act(
            request,
            cards.select_related("organisation"),
            action="resume",
            title=_("Resume paused cards"),
            effect=_("They are charged again; what waits is tried within a minute."),
            verb=lambda card, reason: resume_payment_method(
                card, actor=actor, at=at, reason=reason
            ),
        )


@admin.register(RechargeAttempt)
class RechargeAttemptAdmin(ActingAdmin):
    list_display = (
        "id",
        "organisation",
        "state",
        "total",
        "cause",
        "why",
        "next_try_at",
        "started_at",
        "ended_at",
    )
    list_filter = ("state", "cause", "used_backup", "currency")
    list_select_related = ("organisation", "top_up")
    date_hierarchy = "started_at"
    search_fields = (*BY_ORGANISATION, "=tries__stripe_payment_intent_id")
    inlines = (TryInline,)
    actions = ("give_up",)

    @admin.display(description=gettext_lazy("total"))
    def total(self, attempt: RechargeAttempt) -> str:
        return str(attempt.top_up.total)

    @admin.display(description=gettext_lazy("because"))
    def why(self, attempt: RechargeAttempt) -> str:
        return attempt.top_up.failure_code

    @admin.action(
        description=gettext_lazy("Give up what nobody finds"), permissions=["give_up"]
    )
    def give_up(
        self, request: HttpRequest, attempts: "QuerySet[RechargeAttempt]"
    ) -> HttpResponse | None:
        actor, at = signed_in(request), timezone.now()
        return self.act(
            request,
            attempts.select_related("organisation", "top_up"),
            action="give_up",
            title=_("Give up what nobody finds"),
            effect=_(
                "Stripe is asked once more; what it does not have counts as not "
                "charged, and the wallet may be recharged again."
            ),
            verb=lambda attempt, reason: give_up_recharge(
                attempt, reason, actor=actor, at=at
            ),
        )


@admin.register(SkippedRecharge)
class SkippedRechargeAdmin(ReadOnlyAdmin):
    list_display = ("organisation", "day", "reason", "sentence", "times", "last_at")
    list_filter = ("reason",)
    list_select_related = ("organisation",)
    date_hierarchy = "day"
    search_fields = BY_ORGANISATION

    @admin.display(description=gettext_lazy("what the customer reads"))
    def sentence(self, row: SkippedRecharge) -> str:
        return skipped_sentence(row.reason)


@admin.register(Consent)
class ConsentAdmin(ReadOnlyAdmin):
    list_display = (
        "given_at",
        "organisation",
        "user",
        "trigger",
        "amount",
        "monthly_limit",
        "payment_method",
        "ip",
    )
    list_select_related = ("organisation", "user", "payment_method")
    date_hierarchy = "given_at"
    search_fields = (*BY_ORGANISATION, "user__email")


class StopForm(forms.ModelForm):  # type: ignore[type-arg]  # not at run time
    """Only the reason is typed; who and when the verb knows."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        min_length=10,
        max_length=200,
        help_text=gettext_lazy("Kept in the audit trail. At least ten characters."),
    )

    class Meta:
        model = RechargeStop
        fields = ("reason",)


@admin.register(RechargeStop)
class RechargeStopAdmin(ActingAdmin):
    """Adding one stops all auto-recharge; lifting it allows it again."""

    form = StopForm
    list_display = ("reason", "stopped_at", "stopped_by", "lifted_at", "lifted_by")
    list_select_related = ("stopped_by", "lifted_by")
    actions = ("lift",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_stop_permission(request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.list_display if obj else ("reason",)

    def save_model(
        self, request: HttpRequest, obj: RechargeStop, form: Any, change: Any
    ) -> None:
        made = stop_all_recharges(
            form.cleaned_data["reason"], actor=signed_in(request), at=timezone.now()
        )
        obj.__dict__.update(made.__dict__)
        told = _("Auto-recharge is stopped at %(count)s organisations.") % {
            "count": AutoRecharge.objects.count()
        }
        self.message_user(request, told, messages.WARNING)

    @admin.action(
        description=gettext_lazy("Allow auto-recharge again"), permissions=["stop"]
    )
    def lift(
        self, request: HttpRequest, stops: "QuerySet[RechargeStop]"
    ) -> HttpResponse | None:
        actor, at = signed_in(request), timezone.now()
        return self.allow_again(
            request,
            stops,
            lambda _stop, reason: lift_recharge_stop(reason, actor=actor, at=at),
            action="lift",
        )
