"""What staff fill in: accounts without a username, and a key's scopes."""

from typing import ClassVar

from django import forms
from django.contrib.admin.widgets import AdminSplitDateTime
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.api_keys.forms import NetworksField
from accounts.ask_reason import ReasonForm
from accounts.keys import check_scopes
from accounts.models import Organisation, Scope, User


class NewUserForm(AdminUserCreationForm):  # type: ignore[type-arg]  # not at run time
    class Meta:
        model = User
        fields = ("email", "name", "language")
        field_classes: ClassVar[dict[str, type[forms.Field]]] = {}

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class UserForm(UserChangeForm):  # type: ignore[type-arg]  # not at run time
    class Meta:
        model = User
        fields = "__all__"
        field_classes: ClassVar[dict[str, type[forms.Field]]] = {}

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class IssueKeyForm(ReasonForm):
    """A key of an organisation, or of the provider where none is chosen."""

    name = forms.CharField(label=_("Name"), max_length=100)
    organisation = forms.ModelChoiceField(
        Organisation.objects.all(),
        label=_("Organisation"),
        required=False,
        empty_label=_("The provider"),
    )
    scopes = forms.TypedMultipleChoiceField(
        label=_("What the key may do"),
        choices=Scope.choices,
        coerce=Scope,
        widget=forms.CheckboxSelectMultiple,
    )
    expires_at = forms.SplitDateTimeField(
        label=_("Expires at (UTC)"), required=False, widget=AdminSplitDateTime
    )
    allowed_ips = NetworksField()
    field_order = (
        "name",
        "organisation",
        "scopes",
        "allowed_ips",
        "expires_at",
        "reason",
    )

    def clean(self) -> None:
        super().clean()
        expires_at = self.cleaned_data.get("expires_at")
        if expires_at and expires_at <= timezone.now():
            sentence = _("The key would already be expired.")
            self.add_error(
                "expires_at", ValidationError(sentence, "expires_in_the_past")
            )
        if "scopes" in self.cleaned_data:
            self._check_scopes()

    def _check_scopes(self) -> None:
        try:
            check_scopes(
                self.cleaned_data["scopes"],
                organisation=self.cleaned_data.get("organisation"),
            )
        except ValidationError as error:
            self.add_error("scopes", error)
