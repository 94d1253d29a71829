"""Makes rows for tests; each maker gives a valid thing with as few words as it can."""

from datetime import UTC, datetime
from itertools import count

from accounts.models import (
    BillingMode,
    BillingModePeriod,
    Membership,
    Organisation,
    Role,
    User,
)
from credits.models import Wallet

START = datetime(2026, 1, 1, tzinfo=UTC)
_numbers = count(1)


def make_user(email: str = "", *, name: str = "", is_staff: bool = False) -> User:
    email = email or f"user{next(_numbers)}@example.com"
    return User.objects.create_user(
        email, "correct horse battery", name=name, is_staff=is_staff
    )


def make_organisation(
    name: str = "",
    *,
    slug: str = "",
    billing_mode: BillingMode = BillingMode.PREPAID,
    country: str = "TW",
    currency: str = "USD",
    time_zone: str = "Asia/Taipei",
    at: datetime = START,
) -> Organisation:
    """An organisation with its first mode period and an empty wallet."""
    number = next(_numbers)
    slug = slug or f"org-{number}"
    organisation = Organisation.objects.create(
        name=name or f"Organisation {number}",
        slug=slug,
        account_code=slug.upper(),
        country=country,
        currency=currency,
        time_zone=time_zone,
        billing_email=f"billing@{slug}.example",
        billing_mode=billing_mode,
        terms_version="1",
        opened_at=at,
    )
    BillingModePeriod.objects.create(
        organisation=organisation, billing_mode=billing_mode, starts_at=at
    )
    Wallet.objects.create(organisation=organisation, currency=currency)
    return organisation


def make_member(organisation: Organisation, user: User, role: Role) -> Membership:
    return Membership.objects.create(organisation=organisation, user=user, role=role)
