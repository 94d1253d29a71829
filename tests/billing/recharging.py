"""A customer whose wallet is kept filled: settings, cards, and moments that pass."""

from datetime import datetime, timedelta
from itertools import count

from accounts.models import Organisation, User
from billing.auto_recharge import save_auto_recharge
from billing.models import AutoRecharge, PaymentMethod
from billing.recharge_settings import RechargeSettings
from credits.money import Micros, to_micros

_numbers = count(1)


def make_card(
    organisation: Organisation, *, at: datetime, **facts: object
) -> PaymentMethod:
    """A saved card that Stripe knows nothing about, unless its id is given."""
    number = next(_numbers)
    given: dict[str, object] = {
        "stripe_payment_method_id": f"pm_{number}",
        "stripe_customer_id": "cus_1",
        "brand": "visa",
        "last_four": f"{number:04d}"[-4:],
        "expiry_year": 2040,
        "expiry_month": 12,
        "added_at": at,
    }
    return PaymentMethod.objects.create(organisation=organisation, **given | facts)


def settings_for(card: PaymentMethod, **changed: object) -> RechargeSettings:
    """US$100 whenever fewer than US$20 are available, at most US$1,000 a month."""
    given: dict[str, object] = {
        "trigger": usd("20"),
        "amount": usd("100"),
        "monthly_limit": usd("1000"),
        "payment_method": card,
    }
    return RechargeSettings(**given | changed)  # type: ignore[arg-type]


def switch_on(
    organisation: Organisation,
    card: PaymentMethod,
    *,
    at: datetime,
    consent: bool = True,
    **changed: object,
) -> AutoRecharge:
    return save_auto_recharge(
        organisation,
        settings_for(card, **changed),
        actor=owner_of(organisation),
        ip="192.0.2.7",
        consent=consent,
        at=at,
    )


def owner_of(organisation: Organisation) -> User:
    return organisation.memberships.get(role="owner").user


def usd(amount: str) -> Micros:
    return to_micros(amount)


MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
