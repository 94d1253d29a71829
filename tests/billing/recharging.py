"""A customer whose wallet is kept filled: settings, cards, and moments that pass."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import stripe
from django.db.models import Sum
from djmoney.money import Money

from accounts.models import Notice, Organisation, User
from billing import gateway
from billing.models import (
    AutoRecharge,
    Consent,
    PaymentMethod,
    RechargeAttempt,
    RechargeCause,
    SkippedRecharge,
    TopUp,
)
from billing.prove import prove as prove_billing
from billing.recharging.auto_recharge import save_auto_recharge
from billing.recharging.recharge import (
    go_on_with_recharges,
    recharge_if_wanted,
    sweep_recharges,
)
from billing.recharging.recharge_settings import RechargeSettings
from billing.recharging.recharge_state import RechargeStatus, recharge_status
from credits.models import Wallet
from credits.money import Micros, to_micros
from credits.prove import prove as prove_credits
from credits.spend import spend
from tests.stripe_sandbox import StripeSandbox

VISA = "4242424242424242"
DECLINES = "4000000000000341"  # can be saved, and every charge is declined
NO_MONEY, LOST = "4000000000009995", "4000000000009987"
ASKS = "4000002760003184"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
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


def make_consent(card: PaymentMethod, *, at: datetime) -> Consent:
    money = Money(100, card.organisation.currency)
    return Consent.objects.create(
        organisation=card.organisation,
        user=owner_of(card.organisation),
        given_at=at,
        text_version="1",
        text="I agree.",
        trigger=money,
        amount=money,
        monthly_limit=money,
        payment_method=card,
    )


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
    owner = organisation.memberships.filter(role="owner").first()
    return owner.user if owner else User.objects.earliest("id")


def usd(amount: str) -> Micros:
    return to_micros(amount)


@dataclass
class Recharger:
    """Formosa with saved cards at the sandbox's Stripe, and a clock that is moved."""

    organisation: Organisation
    sandbox: StripeSandbox
    now: datetime

    def card(self, number: str = VISA) -> PaymentMethod:
        """Saved and set up at Stripe, and known to us."""
        customer = gateway.ensure_customer(self.organisation)
        return make_card(
            self.organisation,
            at=self.now,
            stripe_payment_method_id=self.sandbox.save_card(customer, number),
            stripe_customer_id=customer,
            last_four=number[-4:],
            expiry_year=2034,
        )

    def switch_on(self, number: str = VISA, **changed: object) -> AutoRecharge:
        """Whether it was used lately is asked only where a test says so."""
        wanted: dict[str, Any] = {"only_when_used": False} | changed
        return switch_on(self.organisation, self.card(number), at=self.now, **wanted)

    def recharge(
        self, cause: RechargeCause = RechargeCause.DEBIT, *, is_asked: bool = False
    ) -> RechargeAttempt | None:
        return recharge_if_wanted(
            self.organisation.pk, cause=cause, at=self.now, is_asked=is_asked
        )

    def charge(self) -> RechargeAttempt:
        """A recharge that must be claimed."""
        attempt = self.recharge()
        assert attempt is not None
        return attempt

    def go_on(self) -> int:
        return go_on_with_recharges(self.now)

    def later(self, by: timedelta) -> datetime:
        self.now += by
        return self.now

    def minute_by_minute(self, span: timedelta, step: timedelta = HOUR) -> None:
        """The jobs of the timetable, at every step of a span of time."""
        until = self.now + span
        while self.now < until:
            self.later(step)
            sweep_recharges(self.now)
            go_on_with_recharges(self.now)

    def spend(self, amount: str) -> None:
        number = next(_numbers)
        spend(
            self.organisation,
            amount=usd(amount),
            reference=f"call:{number}#1",
            started_at=self.now,
            at=self.now,
        )

    @property
    def wallet(self) -> Wallet:
        return Wallet.objects.get(pk=self.organisation.pk)

    @property
    def status(self) -> RechargeStatus:
        return recharge_status(self.organisation, self.now)

    def charges(self, *, paid: bool | None = None) -> list[stripe.Charge]:
        """What Stripe was asked to charge, by its own books."""
        found = list(stripe.Charge.list(limit=100).data)
        return [one for one in found if paid is None or one.paid is paid]

    def reasons(self) -> dict[str, int]:
        """How often each was skipped, whatever day it is noted under."""
        rows = SkippedRecharge.objects.order_by().values_list("reason")
        return dict(rows.annotate(Sum("times")))

    def mails(self) -> list[str]:
        """The kinds owed to the billing address, in order."""
        owed = Notice.objects.filter(recipient=self.organisation.billing_email)
        return list(owed.order_by("id").values_list("kind", flat=True))

    def prove(self) -> None:
        """Every invariant holds, and Stripe took no more than was credited."""
        assert prove_credits(at=self.now).breaches == []
        assert prove_billing(at=self.now).breaches == []
        taken = sum(one.amount for one in self.charges(paid=True))
        paid = TopUp.objects.filter(organisation=self.organisation, state="paid")
        assert taken * 10_000 == sum(one.total_micros for one in paid)
