"""What saving these settings would do now: nothing, or a charge (rule 5.2).

A reading for the form's live sentence and the review page; the claim judges again under
the wallet's lock.
"""

from dataclasses import dataclass
from datetime import date, datetime

from accounts.models import Organisation
from billing.models import AutoRecharge
from billing.recharging.read_recharges import read_past
from billing.recharging.recharge_caps import (
    cap_in_the_way,
    month_in_the_way,
    spent_in_month,
    times_to_catch_up,
)
from billing.recharging.recharge_settings import (
    RechargeSettings,
    RechargeWarning,
    needs_consent,
    recharge_warnings,
    settings_in,
)
from billing.recharging.recharge_state import open_attempt
from billing.tax_rates import read_tax, tax_on
from credits.expiry_date import last_day
from credits.models import Wallet
from credits.money import Micros
from credits.statement import balance_of


@dataclass(frozen=True)
class RechargePreview:
    """Amounts in micros; `credit` is nothing where nothing is charged at once."""

    settings: RechargeSettings
    currency: str
    available: Micros
    credit: Micros
    tax: Micros
    last_day: date
    asks_consent: bool
    warnings: list[RechargeWarning]

    @property
    def total(self) -> Micros:
        return self.credit + self.tax

    @property
    def is_reviewed(self) -> bool:
        """Whether it is shown once more before anything is saved."""
        return self.asks_consent or self.credit > 0


def preview_recharge(
    organisation: Organisation,
    row: AutoRecharge | None,
    settings: RechargeSettings,
    *,
    at: datetime,
) -> RechargePreview:
    """`row` are the settings so far, if it is on."""
    wallet = Wallet.objects.get(pk=organisation.pk)
    available = balance_of(wallet, at).available
    credit = _charged_now(
        organisation, row, settings, available + wallet.incoming, at=at
    )
    tax = read_tax(organisation.country, organisation.local_day(at))
    return RechargePreview(
        settings=settings,
        currency=organisation.currency,
        available=available,
        credit=credit,
        tax=tax_on(credit, tax, organisation.currency),
        last_day=last_day(at, organisation.zone),
        asks_consent=needs_consent(settings_in(row) if row else None, settings),
        warnings=recharge_warnings(organisation, settings, at=at),
    )


def _charged_now(
    organisation: Organisation,
    row: AutoRecharge | None,
    settings: RechargeSettings,
    have: Micros,
    *,
    at: datetime,
) -> Micros:
    """What the trigger asks for at once, or nothing where something is in the way."""
    if have >= settings.trigger or _is_waiting(organisation, row, settings):
        return 0
    past = read_past([organisation.pk], at=at)[organisation.pk]
    amount, limit, zone = settings.amount, settings.monthly_limit, organisation.zone
    month = month_in_the_way(amount, limit, past, at=at, zone=zone)
    if month or cap_in_the_way(past, at=at):
        return 0
    if not settings.catches_up:
        return amount
    room = limit - spent_in_month(past, at=at, zone=zone)
    return amount * times_to_catch_up(settings.trigger - have, amount, room)


def _is_waiting(
    organisation: Organisation, row: AutoRecharge | None, settings: RechargeSettings
) -> bool:
    """Whether the card or the provider forbids it, or one is under way already."""
    is_stopped = row is not None and row.stopped_at is not None
    if is_stopped or settings.payment_method.suspended_at is not None:
        return True
    same_card = row is not None and row.payment_method_id == settings.payment_method.pk
    return same_card and open_attempt(organisation) is not None
