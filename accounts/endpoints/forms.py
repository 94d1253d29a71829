"""Where a developer says which address wants which events."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.safe_address import LONGEST_URL, check_url
from accounts.webhook_events import event_types


class EndpointForm(forms.Form):
    """An https address, and the types of event it gets; none chosen means all."""

    url = forms.CharField(
        label=pgettext_lazy("internet", "Address"),
        max_length=LONGEST_URL,
        help_text=_("https, reachable from the internet."),
        widget=forms.URLInput(attrs={"autocomplete": "off", "inputmode": "url"}),
    )
    events = forms.MultipleChoiceField(
        label=_("Events"),
        required=False,
        choices=lambda: [(one, one) for one in event_types()],
        widget=forms.CheckboxSelectMultiple,
    )

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"])
        try:
            check_url(url)
        except ValidationError as error:
            raise forms.ValidationError(error.messages) from error
        return url
