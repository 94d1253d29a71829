"""The demo's auto-recharge: a card saved at the local Stripe, settings agreed to."""

from datetime import datetime, timedelta

from accounts.models import Organisation, User
from billing.cards.card_setup import finish_card_setup, start_card_setup
from billing.models import Consent
from billing.recharging.auto_recharge import save_auto_recharge
from billing.recharging.recharge_settings import RechargeSettings
from credits.money import MICROS_PER_UNIT
from sandbox.seed_credit import pay_on_the_page

SWITCHED_ON_DAYS_AGO = 12
TRIGGER, AMOUNT, MONTHLY_LIMIT = 1_000, 2_000, 4_000  # US dollars


def add_recharge(organisation: Organisation, *, owner: User, at: datetime) -> None:
    """Once: whoever switched it off in the demo finds it off after the next start."""
    setup = start_card_setup(
        organisation,
        client_key="demo-card",
        actor=owner,
        language=organisation.language,
        at=at,
    )
    if setup.payment_method is None:
        pay_on_the_page(setup.checkout_url)
    setup = finish_card_setup(setup.pk, at=at + timedelta(minutes=1))
    if setup.payment_method is None or Consent.objects.filter(
        organisation=organisation
    ):
        return
    save_auto_recharge(
        organisation,
        RechargeSettings(
            trigger=TRIGGER * MICROS_PER_UNIT,
            amount=AMOUNT * MICROS_PER_UNIT,
            monthly_limit=MONTHLY_LIMIT * MICROS_PER_UNIT,
            payment_method=setup.payment_method,
        ),
        actor=owner,
        ip=None,
        consent=True,
        at=at + timedelta(minutes=2),
    )
