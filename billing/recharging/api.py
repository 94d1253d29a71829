"""The API of auto-recharge: read it, set it with a person's consent, switch it off.

A key is no person: whoever agreed is named, and must be an owner or billing admin of
the organisation (rule 5.1). A wallet below its trigger is recharged within a minute.
"""

from datetime import datetime
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from ninja import Router, Schema
from pydantic import ConfigDict, StringConstraints

from accounts.access import client_address
from accounts.api_access import NAMED, organisation_of, own_organisation
from accounts.models import ApiKey, Organisation, Permission, Role, Scope, User
from accounts.rate_limits import count_request
from billing.api import Amount, Code
from billing.models import AutoRecharge, PaymentMethod
from billing.recharging.auto_recharge import (
    save_auto_recharge,
    switch_off_auto_recharge,
)
from billing.recharging.recharge_card import recharge_card
from billing.recharging.recharge_consent import TEXT_VERSION, consent_text
from billing.recharging.recharge_settings import (
    RechargeSettings,
    needs_consent,
    settings_of,
)
from billing.recharging.recharge_state import RechargeStatus, recharge_status
from billing.refusals import CreditsNotForSale
from credits.api_money import MoneyOut, money_out
from credits.money import to_micros

router = Router(tags=["auto-recharge"])

CardId = Annotated[str, StringConstraints(pattern=r"^card_[0-9]{1,18}$")]
# Without control characters: PostgreSQL cannot store all of them.
Address = Annotated[
    str,
    StringConstraints(max_length=254, pattern=r"^[^\s@\x00-\x1f]+@[^\s@\x00-\x1f]+$"),
]
Version = Annotated[str, StringConstraints(max_length=20, pattern=r"^[^\x00-\x1f]*$")]


class CardOut(Schema):
    """A saved card; `may_be_charged` while its owner is away."""

    id: str
    brand: str
    last_four: str
    expires: str
    is_default: bool
    may_be_charged: bool


class ConsentOut(Schema):
    """What was agreed to, word for word."""

    given_by: str
    given_at: datetime
    text_version: str
    text: str


class SettingsOut(Schema):
    trigger: MoneyOut
    amount: MoneyOut
    monthly_limit: MoneyOut
    spent_this_month: MoneyOut
    payment_method: CardOut
    backup: CardOut | None
    only_when_used: bool
    catches_up: bool
    consent: ConsentOut


class AutoRechargeOut(Schema):
    """`state` is off, armed, charging, cooling, action_required, suspended or capped;
    `sentence` says it to people, `code` why. `settings` is null while it is off."""

    state: str
    code: str
    sentence: str
    next_at: datetime | None
    settings: SettingsOut | None
    payment_methods: list[CardOut]
    consent_version: str


class ConsentIn(Schema):
    """`given_by` agreed, in text version `text_version`, to these settings.

    Not `accepted`, the refusal carries the whole text that has to be agreed to.
    """

    model_config = ConfigDict(extra="forbid")

    accepted: bool
    text_version: Version
    given_by: Address


class AutoRechargeIn(Schema):
    model_config = ConfigDict(extra="forbid")

    currency: Code
    trigger: Amount
    amount: Amount
    monthly_limit: Amount
    payment_method: CardId
    backup: CardId | None = None
    only_when_used: bool = True
    catches_up: bool = False
    consent: ConsentIn


@router.get(
    "/auto-recharge",
    response=AutoRechargeOut,
    summary="Auto-recharge and how it stands",
    openapi_extra=NAMED,
)
def get_auto_recharge(request: HttpRequest) -> Any:
    organisation = _prepaid(organisation_of(request, Scope.BALANCE_READ))
    return _shown(organisation, timezone.now())


@router.put(
    "/auto-recharge",
    response=AutoRechargeOut,
    summary="Switch auto-recharge on, or change it",
)
def put_auto_recharge(request: HttpRequest, wanted: AutoRechargeIn) -> Any:
    organisation = _prepaid(own_organisation(request, Scope.FUNDS_WRITE))
    key: ApiKey = request.auth  # type: ignore[attr-defined]  # ninja puts it there
    count_request(request, "start_top_up_by_key", key=key.prefix)
    at = timezone.now()
    settings = _settings(organisation, wanted)
    if not wanted.consent.accepted and needs_consent(
        settings_of(organisation), settings
    ):
        text = consent_text(settings, organisation.currency)
        raise _refused("consent", "consent_missing", text)
    save_auto_recharge(
        organisation,
        settings,
        actor=_who_agreed(organisation, wanted.consent),
        ip=client_address(request),
        consent=wanted.consent.accepted,
        at=at,
    )
    return _shown(organisation, at)


@router.delete(
    "/auto-recharge",
    response=AutoRechargeOut,
    summary="Switch auto-recharge off",
)
def delete_auto_recharge(request: HttpRequest) -> Any:
    organisation = _prepaid(own_organisation(request, Scope.FUNDS_WRITE))
    at = timezone.now()
    switch_off_auto_recharge(organisation, actor=None, at=at, reason="By API key.")
    return _shown(organisation, at)


def _prepaid(organisation: Organisation) -> Organisation:
    if not organisation.buys_credits:
        raise CreditsNotForSale
    return organisation


def _settings(organisation: Organisation, wanted: AutoRechargeIn) -> RechargeSettings:
    if wanted.currency != organisation.currency:
        raise _refused(
            "currency",
            "other_currency",
            _("This organisation pays in another currency."),
        )
    return RechargeSettings(
        trigger=to_micros(wanted.trigger),
        amount=to_micros(wanted.amount),
        monthly_limit=to_micros(wanted.monthly_limit),
        payment_method=_card(organisation, "payment_method", wanted.payment_method),
        backup=_card(organisation, "backup", wanted.backup) if wanted.backup else None,
        only_when_used=wanted.only_when_used,
        catches_up=wanted.catches_up,
    )


def _card(organisation: Organisation, field: str, name: str) -> PaymentMethod:
    kept = PaymentMethod.objects.kept().filter(organisation=organisation)
    found = kept.filter(pk=int(name.removeprefix("card_"))).first()
    if found is None:
        raise _refused(field, "card_not_kept", _("Choose one of your saved cards."))
    return found


def _who_agreed(organisation: Organisation, consent: ConsentIn) -> User:
    if consent.text_version != TEXT_VERSION:
        raise _refused(
            "text_version",
            "consent_outdated",
            _("The text has changed; show the present one and ask again."),
        )
    roles = [role for role in Role if role.may(Permission.BUY)]
    may_agree = organisation.memberships.filter(role__in=roles, user__is_active=True)
    member = may_agree.filter(user__email__iexact=consent.given_by).first()
    if member is None:
        raise _refused(
            "given_by",
            "may_not_agree",
            _("Only an owner or billing admin of the organisation can agree."),
        )
    return member.user


def _refused(field: str, code: str, sentence: Any) -> ValidationError:
    return ValidationError({field: ValidationError(sentence, code)})


def _shown(organisation: Organisation, at: datetime) -> AutoRechargeOut:
    status = recharge_status(organisation, at)
    kept = PaymentMethod.objects.kept().filter(organisation=organisation)
    return AutoRechargeOut(
        state=status.state.value,
        code=status.code,
        sentence=recharge_card(organisation, status, at=at).sentence,
        next_at=status.next_at,
        settings=_settings_out(status.row, status, at) if status.row else None,
        payment_methods=[_card_out(card, at) for card in kept],
        consent_version=TEXT_VERSION,
    )


def _settings_out(
    row: AutoRecharge, status: RechargeStatus, at: datetime
) -> SettingsOut:
    currency, consent = row.currency, row.consent
    return SettingsOut(
        trigger=money_out(row.trigger_micros, currency),
        amount=money_out(row.amount_micros, currency),
        monthly_limit=money_out(row.monthly_limit_micros, currency),
        spent_this_month=money_out(status.spent_this_month, currency),
        payment_method=_card_out(row.payment_method, at),
        backup=_card_out(row.backup, at) if row.backup else None,
        only_when_used=row.only_when_used,
        catches_up=row.catches_up,
        consent=ConsentOut(
            given_by=consent.user.email,
            given_at=consent.given_at,
            text_version=consent.text_version,
            text=consent.text,
        ),
    )


def _card_out(card: PaymentMethod, at: datetime) -> CardOut:
    return CardOut(
        id=f"card_{card.pk}",
        brand=card.brand,
        last_four=card.last_four,
        expires=f"{card.expiry_year}-{card.expiry_month:02}",
        is_default=card.is_default,
        may_be_charged=card.may_be_charged(card.organisation.local_day(at)),
    )
