"""Terms of sale, and the sandbox Stripe for the tests that pay."""

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Organisation
from tests import makers
from tests.billing.buying import SITE, Buyer
from tests.billing.recharging import Recharger
from tests.stripe_sandbox import StripeSandbox, stripe_process, stripe_sandbox

__all__ = ["stripe_process", "stripe_sandbox"]


@pytest.fixture
def buyer(
    formosa: Organisation, stripe_sandbox: StripeSandbox, settings: Settings
) -> Buyer:
    """Formosa at the sandbox's payment page; US dollars are sold."""
    settings.SITE_URL = SITE
    makers.make_terms("USD")
    return Buyer(formosa, stripe_sandbox)


@pytest.fixture
def recharger(buyer: Buyer) -> Recharger:
    """Formosa, whose cards are saved at the sandbox's Stripe; its balance is zero."""
    return Recharger(buyer.organisation, buyer.sandbox, timezone.now())
