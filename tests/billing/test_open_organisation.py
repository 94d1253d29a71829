"""Opening an organisation makes all that belongs to it, or nothing (rule 1.2)."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from accounts.models import (
    AuditEvent,
    BillingMode,
    BillingModePeriod,
    Membership,
    Organisation,
    Role,
    User,
)
from billing.offered_currencies import offered_currencies
from billing.open_organisation import open_organisation
from billing.refusals import codes_of
from credits.models import Wallet
from tests import makers
from tests.billing.selling import sold_in_dollars
from tests.makers import START


@pytest.fixture(autouse=True)
def _sold_in_dollars(db: None) -> None:
    sold_in_dollars()
    makers.make_terms("EUR")  # without a card


def opened(owner: User, **changes: Any) -> Organisation:
    wanted = {
        "name": "Formosa Tea Trading",
        "country": "TW",
        "currency": "USD",
        "time_zone": "Asia/Taipei",
        "language": "zh-hant",
        "billing_email": "ap@formosa.example",
        "terms_version": "1",
        "at": START,
    }
    return open_organisation(owner=owner, **{**wanted, **changes})


def test_organisation_opens_with_period_owner_and_wallet(alice: User) -> None:
    organisation = opened(alice)
    assert organisation.slug == "formosa-tea-trading"
    assert organisation.account_code == "FORMOSA-TEA-TRADING"
    period = BillingModePeriod.objects.get(organisation=organisation)
    assert (period.billing_mode, period.starts_at) == ("PREPAID", START)
    member = Membership.objects.get(organisation=organisation)
    assert (member.user, member.role) == (alice, Role.OWNER)
    assert Wallet.objects.get(organisation=organisation).currency == "USD"
    event = AuditEvent.objects.get()
    assert (event.verb, event.actor) == ("open_organisation", alice)


def test_nce_organisation_opens_in_its_mode(alice: User) -> None:
    organisation = opened(alice, billing_mode=BillingMode.NCE)
    assert not organisation.buys_credits
    assert organisation.mode_periods.get().billing_mode == "NCE"


def test_names_that_meet_get_slugs_of_their_own(alice: User) -> None:
    slugs = [opened(alice).slug for _ in range(2)] + [opened(alice, name="茶").slug]
    assert slugs == ["formosa-tea-trading", "formosa-tea-trading-2", "organisation"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"currency": "EUR"}, "currency_not_offered"),
        ({"currency": "XXX"}, "currency_not_offered"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"country": "Taiwan"}, "invalid"),
        ({"name": " "}, "blank"),
    ],
)
def test_refusal_leaves_nothing_behind(
    alice: User, change: dict[str, str], code: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        opened(alice, **change)
    assert code in codes_of(refused.value)
    assert not Organisation.objects.exists()
    assert not Wallet.objects.exists()


def test_currency_is_offered_when_its_card_is_in_force(alice: User) -> None:
    assert offered_currencies(START) == ["USD"]
    assert offered_currencies(START.replace(year=2025)) == []
