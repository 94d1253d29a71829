"""What customers fill in: the organisation they open, and how much to add.

A form cleans input and calls nothing; the verbs judge what only they can know, and
their refusal becomes a form error in the view.
"""

from datetime import datetime
from typing import Any, TypedDict

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import Language, ProviderSettings, User
from accounts.refusals import TollgateError
from billing.models import TopUpTerms
from billing.places import country_choices, currency_name, zone_choices
from billing.tax_ids import clean_tax_id
from credits.display import money_text
from credits.money import Micros, currency_of, parse_amount, to_decimal

CHIP_MULTIPLES = (1, 2, 5, 10)  # of the smallest purchase


class OrganisationFacts(TypedDict):
    """What somebody says about the organisation they open."""

    name: str
    country: str
    currency: str
    time_zone: str
    language: str
    billing_email: str
    address: str
    tax_id: str
    terms_version: str


class OpenOrganisationForm(forms.Form):
    """An organisation's name, place, currency and contact; the terms are accepted."""

    name = forms.CharField(
        label=_("Name of the organisation"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    country = forms.ChoiceField(
        label=_("Country"), widget=forms.Select(attrs={"autocomplete": "country"})
    )
    currency = forms.ChoiceField(
        label=_("Currency"),
        help_text=_("Fixed once the organisation is open; it cannot be changed later."),
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        help_text=_("Months, days and expiry dates follow it."),
        widget=forms.Select(attrs={"data-own-zone": ""}),
    )
    billing_email = forms.EmailField(
        label=_("Billing e-mail"),
        help_text=_("Receipts and notices about the balance go there."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    address = forms.CharField(
        label=_("Address (optional)"),
        required=False,
        max_length=300,
        help_text=_("Street, place and postcode, as invoices are to show them."),
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "street-address"}),
    )
    tax_id = forms.CharField(
        label=_("Tax id (optional)"),
        required=False,
        max_length=30,
        help_text=_("The business number or VAT number; it stands on receipts."),
    )
    terms = forms.BooleanField(label=_("I accept the terms of service."))

    def __init__(
        self,
        data: Any = None,
        *,
        owner: User,
        currencies: list[str],
        at: datetime,
    ) -> None:
        super().__init__(data, initial={"billing_email": owner.email})
        choose = ("", _("Choose…"))
        set_choices(self, "country", [choose, *country_choices()])
        set_choices(self, "time_zone", [choose, *zone_choices(at)])
        offered = [(code, currency_name(code)) for code in currencies]
        only_one = len(offered) == 1
        set_choices(self, "currency", offered if only_one else [choose, *offered])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        country, tax_id = cleaned.get("country"), cleaned.get("tax_id")
        if country and tax_id:
            try:
                cleaned["tax_id"] = clean_tax_id(tax_id, country=country)
            except ValidationError as error:
                self.add_error("tax_id", error)
        return cleaned

    def facts(self) -> OrganisationFacts:
        """What `open_organisation` is told."""
        given = self.cleaned_data
        chinese = (get_language() or "").startswith("zh")
        return {
            "name": given["name"],
            "country": given["country"],
            "currency": given["currency"],
            "time_zone": given["time_zone"],
            "language": Language.TRADITIONAL_CHINESE if chinese else Language.ENGLISH,
            "billing_email": given["billing_email"],
            "address": given["address"],
            "tax_id": given["tax_id"],
            "terms_version": ProviderSettings.current().terms_version,
        }


class AddFundsForm(forms.Form):
    """How much credit to buy; the amount typed wins over the one picked (rule 4.1)."""

    preset = forms.ChoiceField(
        label=_("Pick an amount"), required=False, widget=forms.RadioSelect
    )
    amount = forms.CharField(
        label=_("Amount"),
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    purchase_order = forms.CharField(
        label=_("Purchase order number (optional)"),
        required=False,
        max_length=50,
        help_text=_("It stands on the receipt."),
    )
    recharge = forms.BooleanField(
        label=_("Also switch on auto-recharge"),
        required=False,
        help_text=_(
            "Once you have paid you choose its level, amount and card. Nothing is "
            "switched on before."
        ),
    )
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, terms: TopUpTerms, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.terms = terms
        self.currency = currency_of(terms.currency)
        set_choices(self, "preset", self._presets())

    def _presets(self) -> list[tuple[str, str]]:
        least, most = self.terms.minimum_micros, self.terms.maximum_micros
        amounts = [least * multiple for multiple in CHIP_MULTIPLES]
        return [
            (plain_amount(amount), money_text(amount, self.currency.code))
            for amount in amounts
            if amount <= most
        ]

    def clean_amount(self) -> Micros:
        """Micros; `1,000`, spaces and full-width digits are read as they are meant."""
        typed = self.cleaned_data["amount"] or self.cleaned_data.get("preset", "")
        if not typed:
            raise ValidationError(_("Enter an amount, or pick one."), "required")
        return parse_amount(typed, self.currency)


class AlertAddressForm(forms.Form):
    """One further address."""

    address = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )


class BalanceAlertForm(forms.Form):
    """Below which available balance the organisation is told (rule 11)."""

    threshold = forms.CharField(
        label=_("When the available balance falls below"),
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )

    def __init__(self, data: Any = None, *, currency: str, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.currency = currency_of(currency)

    def clean_threshold(self) -> Micros:
        return parse_amount(self.cleaned_data["threshold"], self.currency)


class AddCardForm(forms.Form):
    """Leads to the page where the card is typed."""

    becomes_default = forms.BooleanField(
        label=_("Charge this card from now on"), required=False
    )
    key = forms.UUIDField(widget=forms.HiddenInput)


def set_choices(form: forms.Form, name: str, choices: list[tuple[str, Any]]) -> None:
    """Choices that depend on who asks, on a field that was declared with none."""
    field = form.fields[name]
    if not isinstance(field, forms.ChoiceField):
        raise TypeError(f"{name} has no choices.")
    field.choices = choices


def plain_amount(micros: Micros) -> str:
    """The amount as the review page's address carries it: `50`, `50.25`."""
    text = f"{to_decimal(micros):f}"
    return text.rstrip("0").rstrip(".")


def show_refusal(form: forms.Form, refusal: TollgateError | ValidationError) -> None:
    """The one place where a verb's refusal becomes an error of the form."""
    if isinstance(refusal, TollgateError):
        form.add_error(None, ValidationError(str(refusal), refusal.code))
    elif hasattr(refusal, "error_dict"):
        for name, errors in refusal.error_dict.items():
            form.add_error(name if name in form.fields else None, errors)
    else:
        form.add_error(None, refusal)
