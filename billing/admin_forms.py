"""What staff fill in: an amount for each organisation chosen, and why."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.ask_reason import ReasonForm
from accounts.models import Organisation, ProviderSettings, User
from billing.models import StaffPaymentKind, TopUpTerms
from billing.models.fields import sold_money
from billing.offered_currencies import offered_currencies
from billing.set_terms import Limits
from credits.expiry_date import MOST_PROMOTIONAL_MONTHS
from credits.money import CURRENCIES, Micros, currency_of, parse_amount


class CreditForm(ReasonForm):
    """An amount per organisation, in its own currency; the rest is shared."""

    def __init__(
        self, data: Any = None, *, organisations: Sequence[Organisation]
    ) -> None:
        super().__init__(data)
        self.organisations = organisations
        for organisation in organisations:
            self.add_row(organisation)
        self.order_fields([name for name in self.fields if name != "reason"])

    def add_row(self, organisation: Organisation) -> None:
        self.fields[f"amount_{organisation.pk}"] = forms.CharField(
            label=_("Amount in %(currency)s") % {"currency": organisation.currency},
            max_length=40,
            widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        )

    def row_fields(self, organisation: Organisation) -> list[forms.BoundField]:
        """The fields of one organisation, to be shown beside its name."""
        ending = f"_{organisation.pk}"
        return [self[name] for name in self.fields if name.endswith(ending)]

    def shared_fields(self) -> list[forms.BoundField]:
        own = {f"_{organisation.pk}" for organisation in self.organisations}
        return [
            self[name]
            for name in self.fields
            if not any(name.endswith(ending) for ending in own)
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for organisation in self.organisations:
            name = f"amount_{organisation.pk}"
            if name in cleaned:
                try:
                    cleaned[name] = positive_amount(
                        cleaned[name], organisation.currency
                    )
                except ValidationError as error:
                    self.add_error(name, error)
        return cleaned

    def amount_for(self, organisation: Organisation) -> Micros:
        amount: Micros = self.cleaned_data[f"amount_{organisation.pk}"]
        return amount


class GrantForm(CreditForm):
    """Promotional credit; it always ends (rule 3.8)."""

    months = forms.IntegerField(
        label=_("Valid for how many months"),
        min_value=1,
        max_value=MOST_PROMOTIONAL_MONTHS,
        initial=6,
    )


class PaymentForm(CreditForm):
    """Bank transfers or purchase orders, each with its own reference (rule 4.6)."""

    kind = forms.ChoiceField(label=_("Kind"), choices=StaffPaymentKind.choices)

    def add_row(self, organisation: Organisation) -> None:
        super().add_row(organisation)
        self.fields[f"reference_{organisation.pk}"] = forms.CharField(
            label=_("Bank reference or order number"), max_length=100
        )

        self.fields[f"order_{organisation.pk}"] = forms.CharField(
            label=_("Purchase order number (optional)"), required=False, max_length=50
        )

    def order_for(self, organisation: Organisation) -> str:
        return str(self.cleaned_data[f"order_{organisation.pk}"])

    def reference_for(self, organisation: Organisation) -> str:
        return str(self.cleaned_data[f"reference_{organisation.pk}"])


class ChooseOrganisationForm(forms.Form):
    """Whose payment is recorded."""

    organisation = forms.ModelChoiceField(
        Organisation.objects.order_by("name"), label=_("Organisation")
    )


class NewOrganisationForm(forms.ModelForm):  # type: ignore[type-arg]  # not at run time
    """An organisation that staff open for a customer, in either billing mode."""

    owner = forms.ModelChoiceField(
        User.objects.filter(is_active=True).order_by("email"), label=_("Owner")
    )

    class Meta:
        model = Organisation
        fields = (
            "name",
            "country",
            "currency",
            "time_zone",
            "language",
            "billing_email",
            "tax_id",
            "billing_mode",
            "owner",
        )

    def clean_currency(self) -> str:
        currency = str(self.cleaned_data["currency"])
        if currency not in offered_currencies(timezone.now()):
            raise ValidationError(
                _("Credits are not sold in %(currency)s."),
                "currency_not_offered",
                {"currency": currency},
            )
        return currency

    def facts(self) -> dict[str, Any]:
        """What `open_organisation` is told."""
        terms = ProviderSettings.current().terms_version
        return {**self.cleaned_data, "terms_version": terms}


class TermsForm(forms.ModelForm):  # type: ignore[type-arg]  # not at run time
    """For how much credit is sold in a currency; amounts as people write them."""

    currency = forms.ChoiceField(
        label=_("Currency"), choices=[(code, code) for code in CURRENCIES]
    )
    minimum = forms.CharField(label=_("Smallest purchase"))
    maximum = forms.CharField(label=_("Largest purchase"))
    maximum_balance = forms.CharField(label=_("Largest balance"))

    class Meta:
        model = TopUpTerms
        fields = ("currency",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["currency"].disabled = True
            for name in Limits._fields:
                self.initial[name] = str(getattr(self.instance, name).amount)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        code = cleaned.get("currency", "")
        for name in Limits._fields:
            if code and name in cleaned:
                try:
                    cleaned[name] = positive_amount(cleaned[name], code)
                except ValidationError as error:
                    self.add_error(name, error)
        if not self.errors:
            self._check_together(code)
        return cleaned

    def _check_together(self, code: str) -> None:
        for name, micros in self.limits()._asdict().items():
            setattr(self.instance, name, sold_money(micros, code))
        try:
            self.instance.validate_constraints()
        except ValidationError as error:
            self.add_error(None, error.messages)

    def limits(self) -> Limits:
        return Limits(*(self.cleaned_data[name] for name in Limits._fields))


def positive_amount(text: str, currency: str) -> Micros:
    """Micros of what somebody typed; a ValidationError unless above zero."""
    amount = parse_amount(text, currency_of(currency))
    if amount <= 0:
        raise ValidationError(_("Enter an amount above zero."), "amount_not_valid")
    return amount
