"""Wallets by the hundred thousand, some of them due for a recharge.

Beside the seeded world: organisations that hold nothing, and for those that are due a
card, consent and settings, so that a claim finds all it needs.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Model
from djmoney.money import Money

from accounts.models import BillingMode, BillingModePeriod, Organisation, User
from benchmarks.world import OPENED
from billing.models import AutoRecharge, Consent, PaymentMethod, TopUpTerms
from credits.bulk import insert_rows, reserve_ids
from credits.models import Wallet

AT_A_TIME = 50_000
TRIGGER = 20_000_000  # micros
AMOUNTS = {"trigger": 20, "amount": 100, "monthly_limit": 1000, "currency": "USD"}
ORGANISATION: dict[str, Any] = {
    "country": "TW",
    "currency": "USD",
    "time_zone": "Asia/Taipei",
    "billing_email": "billing@many.example",
    "terms_version": "1",
    "opened_at": OPENED,
}


def make_wallets(count: int, mode: BillingMode = BillingMode.PREPAID) -> list[int]:
    """So many organisations with an empty wallet; their ids, ascending."""
    made: list[int] = []
    while len(made) < count:
        size = min(AT_A_TIME, count - len(made))
        with transaction.atomic():
            made += _make_wallets(list(reserve_ids(Organisation, size)), mode)
    return made


def make_due(ids: Sequence[int]) -> None:
    """Auto-recharge for some of them; their wallets are below its trigger."""
    with transaction.atomic():
        user = User.objects.create_user("consents@many.example")
        bounds = {"minimum": 50, "maximum": 10_000, "maximum_balance": 50_000}
        TopUpTerms.objects.create(
            **{name: Money(amount, "USD") for name, amount in bounds.items()}
        )
        cards = PaymentMethod.objects.bulk_create(_cards(ids))
        consents = Consent.objects.bulk_create(
            Consent(
                organisation_id=card.organisation_id,
                user=user,
                given_at=OPENED,
                text_version="1",
                text="I agree.",
                payment_method=card,
                **AMOUNTS,
            )
            for card in cards
        )
        AutoRecharge.objects.bulk_create(
            AutoRecharge(
                organisation_id=consent.organisation_id,
                billing_mode=BillingMode.PREPAID,
                payment_method=consent.payment_method,
                consent=consent,
                only_when_used=False,
                switched_on_at=OPENED,
                changed_at=OPENED,
                **AMOUNTS,
            )
            for consent in consents
        )
        wallets = Wallet.objects.filter(pk__in=ids)
        wallets.update(trigger=TRIGGER, recharge_wanted=True)


def tidy() -> None:
    """As autovacuum leaves a database that is in use."""
    with connection.cursor() as cursor:
        is_server = connection.vendor == "postgresql"
        cursor.execute("VACUUM ANALYZE" if is_server else "ANALYZE")


def _make_wallets(ids: list[int], mode: BillingMode) -> list[int]:
    shared = _columns_of(Organisation(**ORGANISATION, billing_mode=mode.value))
    for name in ("id", "name", "slug", "account_code"):
        del shared[name]
    insert_rows(
        Organisation,
        ("id", "name", "slug", "account_code", *shared),
        [
            (pk, f"Organisation {pk}", f"many-{pk}", f"MANY-{pk}", *shared.values())
            for pk in ids
        ],
    )
    insert_rows(
        BillingModePeriod,
        ("organisation_id", "billing_mode", "starts_at"),
        [(pk, mode.value, OPENED) for pk in ids],
    )
    empty = _columns_of(Wallet(currency="USD"))
    del empty["organisation_id"]
    insert_rows(
        Wallet,
        ("organisation_id", *empty),
        [(pk, *empty.values()) for pk in ids],
    )
    return ids


def _columns_of(row: Model) -> dict[str, Any]:
    """What its columns would hold, those included that have only their default."""
    return {
        str(field.column): getattr(row, field.attname) for field in row._meta.fields
    }


def _cards(ids: Sequence[int]) -> Iterator[PaymentMethod]:
    for pk in ids:
        yield PaymentMethod(
            organisation_id=pk,
            stripe_payment_method_id=f"pm_{pk}",
            stripe_customer_id=f"cus_{pk}",
            brand="visa",
            last_four="4242",
            expiry_year=2040,
            expiry_month=12,
            added_at=OPENED,
        )
