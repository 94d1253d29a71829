"""What people may change about themselves."""

from typing import ClassVar

from django import forms

from accounts.models import User


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]  # not at run time
    """Name and language; the address and the password have pages of their own."""

    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["name", "language"]
        widgets: ClassVar[dict[str, forms.Widget]] = {
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
        }
