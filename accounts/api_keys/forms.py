"""What a key may do, from where, and until when."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.keys import read_networks
from accounts.models import Organisation, Scope


class NetworksField(forms.CharField):
    """IP addresses and networks, one on a line; cleaned, a list of them."""

    def __init__(self, **more: Any) -> None:
        super().__init__(
            label=_("Allowed addresses"),
            required=False,
            help_text=_("IP addresses or networks, one on a line; none: everywhere."),
            widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
            **more,
        )

    def clean(self, value: object) -> Any:
        return read_networks(str(super().clean(value)).replace(",", " ").split())


class KeyForm(forms.Form):
    """A key of an organisation; only what its own keys may do can be chosen."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("What uses the key: you see it in the list."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.TypedMultipleChoiceField(
        label=_("What the key may do"),
        choices=[
            (scope.value, scope.label)
            for scope in Scope
            if not scope.is_for_provider_only
        ],
        coerce=Scope,
        widget=forms.CheckboxSelectMultiple,
    )
    allowed_ips = NetworksField()
    last_day = forms.DateField(
        label=_("Last day"),
        required=False,
        help_text=_("Without one the key is valid until you revoke it."),
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, *args: Any, organisation: Organisation, **more: Any) -> None:
        super().__init__(*args, **more)
        self.organisation = organisation

    def clean_last_day(self) -> datetime | None:
        """The first moment the key is not valid: that day ends where they are."""
        last = self.cleaned_data["last_day"]
        if last is None:
            return None
        if last < self.organisation.local_day(timezone.now()):
            raise ValidationError(
                _("The key would already be expired."), "expires_in_the_past"
            )
        if last.year >= 2200:
            raise ValidationError(_("Choose an earlier day."), "too_late")
        return datetime.combine(
            last + timedelta(days=1), time(), self.organisation.zone
        )
