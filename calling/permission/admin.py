"""Staff pages about barred destinations and limits of calls.

The provider's own rules have no organisation. What a customer set itself, staff see and
may change in its name; all of it goes through the verbs of the customer's page.
"""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.access import client_address, signed_in
from calling.by_verb_admin import ByVerbAdmin
from calling.lines.forms import as_typed
from calling.models import Barring, CallLimits
from calling.permission.bar_destination import (
    add_barring,
    change_barring,
    entry_of,
    remove_barring,
)
from calling.permission.ceilings import AMOUNTS
from calling.permission.set_call_limits import (
    LimitsEntry,
    set_call_limits,
    set_ceilings,
    set_provider_limits,
)
from credits.money import to_micros

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm

BY_ORGANISATION = ("organisation__name", "organisation__slug")


@admin.register(Barring)
class BarringAdmin(ByVerbAdmin):
    """May be deleted: it judges calls to come, and no call refers to it."""

    actions = None
    list_display = (
        "name",
        "organisation",
        "prefix",
        "number_type",
        "country",
        "hour_from",
        "hour_until",
        "lets_through",
        "is_forced",
        "is_active",
    )
    list_filter = (
        ("organisation", admin.EmptyFieldListFilter),
        "is_active",
        "lets_through",
        "number_type",
    )
    list_select_related = ("organisation",)
    search_fields = ("name", "=prefix", "=country", *BY_ORGANISATION)
    raw_id_fields = ("organisation",)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Barring | None = None
    ) -> tuple[str, ...]:
        return ("organisation",) if obj is not None else ()

    def save_model(
        self, request: HttpRequest, obj: Barring, form: Any, change: Any
    ) -> None:
        facts: dict[str, Any] = {
            "at": timezone.now(),
            "actor": signed_in(request),
            "ip": client_address(request),
        }
        if change:
            known = Barring.objects.select_related("organisation").get(pk=obj.pk)
            change_barring(known, entry_of(obj), **facts)
        else:
            obj.pk = add_barring(obj.organisation, entry_of(obj), **facts).pk

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return signed_in(request).has_perm("calling.delete_barring")

    def delete_model(self, request: HttpRequest, obj: Barring) -> None:
        remove_barring(
            obj,
            at=timezone.now(),
            actor=signed_in(request),
            ip=client_address(request),
        )


def _amount_field(label: Any) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, required=False, min_value=0, max_digits=14, decimal_places=6
    )


class CallLimitsForm(ModelForm):
    """Amounts in whole units of the currency, as people write them."""

    price_ceiling = _amount_field(_("Dearest price per minute"))
    daily_spend = _amount_field(_("Most in a day"))
    call_cost = _amount_field(_("Most for one call"))

    class Meta:
        model = CallLimits
        fields = ("organisation", "for_new", "currency", *LimitsEntry.__annotations__)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in AMOUNTS:
            amount = getattr(self.instance, name)
            self.initial[name] = None if amount is None else as_typed(amount)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in AMOUNTS:
            typed = cleaned.get(name)
            cleaned[name] = None if typed is None else to_micros(typed)
        return cleaned


@admin.register(CallLimits)
class CallLimitsAdmin(ByVerbAdmin):
    """Two rows a currency are for everybody; to take limits off they are emptied.

    What staff set for one organisation it cannot loosen; what it set itself is a row of
    its own, which staff may change in its name.
    """

    actions = None
    form = CallLimitsForm
    list_display = (
        "__str__",
        "by_provider",
        "for_new",
        "currency",
        "longest_call_seconds",
        "concurrent_calls",
    )
    list_filter = (
        ("organisation", admin.EmptyFieldListFilter),
        "by_provider",
        "for_new",
        "currency",
    )
    list_select_related = ("organisation",)
    search_fields = BY_ORGANISATION
    raw_id_fields = ("organisation",)

    def get_readonly_fields(
        self, request: HttpRequest, obj: CallLimits | None = None
    ) -> tuple[str, ...]:
        kept = ("organisation", "by_provider", "for_new", "currency")
        return kept if obj is not None else ()

    def get_fields(self, request: HttpRequest, obj: CallLimits | None = None) -> Any:
        names = ("organisation", "for_new", "currency", *LimitsEntry.__annotations__)
        return ("by_provider", *names) if obj is not None else names

    def save_model(
        self, request: HttpRequest, obj: CallLimits, form: Any, change: Any
    ) -> None:
        given = form.cleaned_data
        entry = LimitsEntry(
            **{name: given[name] for name in LimitsEntry.__annotations__}
        )
        facts: dict[str, Any] = {
            "at": timezone.now(),
            "actor": signed_in(request),
            "ip": client_address(request),
        }
        if obj.organisation is not None:
            is_own = change and not obj.by_provider
            save = set_call_limits if is_own else set_ceilings
            saved = save(obj.organisation, entry, **facts)
        else:
            saved = set_provider_limits(
                entry, for_new=obj.for_new, currency=obj.currency, **facts
            )
        obj.pk = saved.pk if saved is not None else obj.pk
