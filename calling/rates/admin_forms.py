"""What staff fill in about cards, decks and roll-backs."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.ask_reason import ReasonForm
from accounts.models import User
from calling.models import DeckMapping, DeckProfile, DeckUpload, RateCard
from credits.money import CURRENCIES

LARGEST_UPLOAD = 20_000_000
WHEN = _("In UTC, such as 2026-12-01 00:00; left empty, at the moment of activation.")


class CardForm(forms.ModelForm):  # type: ignore[type-arg]  # not at run time
    """A new card; its currency, purpose and organisation stay as they are."""

    currency = forms.ChoiceField(
        label=_("Currency"), choices=[(code, code) for code in CURRENCIES]
    )

    class Meta:
        model = RateCard
        fields = ("name", "currency", "purpose", "organisation", "notice_days")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        organisation = cleaned.get("organisation")
        currency = cleaned.get("currency")
        if organisation and currency and organisation.currency != currency:
            self.add_error(
                "currency",
                ValidationError(
                    _("%(organisation)s pays in %(currency)s."),
                    "other_currency",
                    {
                        "organisation": organisation.name,
                        "currency": organisation.currency,
                    },
                ),
            )
        return cleaned


class UploadForm(forms.ModelForm):  # type: ignore[type-arg]  # not at run time
    """A supplier's file for a card. Nothing changes before it is activated."""

    profile = forms.ChoiceField(
        label=_("Profile"),
        choices=DeckProfile.choices,
        initial=DeckProfile.TOLLGATE,
        help_text=_("A supplier, if you choose one below, brings its own."),
    )
    mapping = forms.ModelChoiceField(
        DeckMapping.objects.all(), label=_("Supplier"), required=False
    )
    file = forms.FileField(label=_("File"), max_length=200)
    valid_from = forms.DateTimeField(
        label=_("In force from"), required=False, help_text=WHEN
    )
    field_order = ("card", "file", "profile", "mapping", "mode", "valid_from")

    class Meta:
        model = DeckUpload
        fields = ("card", "mode", "profile", "mapping", "valid_from")

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LARGEST_UPLOAD:
            raise ValidationError(
                _("The file is larger than %(limit)s MB; use the command line."),
                "too_large",
                {"limit": LARGEST_UPLOAD // 1_000_000},
            )
        return file

    def clean_valid_from(self) -> datetime | None:
        return in_future(self.cleaned_data["valid_from"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if mapping := cleaned.get("mapping"):
            cleaned["profile"] = mapping.profile
        return cleaned

    def keep(self, *, actor: User, at: datetime) -> DeckUpload:
        file = self.cleaned_data["file"]
        upload: DeckUpload = self.save(commit=False)
        upload.file_name, upload.content = file.name[-200:], file.read()
        upload.uploaded_by, upload.uploaded_at = actor, at
        upload.save()
        return upload


class RollBackForm(ReasonForm):
    """Why, and from when on the older prices hold again."""

    valid_from = forms.DateTimeField(
        label=_("In force from"), required=False, help_text=WHEN
    )

    def clean_valid_from(self) -> datetime | None:
        return in_future(self.cleaned_data["valid_from"])


def in_future(at: datetime | None) -> datetime | None:
    if at is not None and at <= timezone.now():
        raise ValidationError(
            _("Calls up to now have their price; choose a later moment."), "in_past"
        )
    return at
