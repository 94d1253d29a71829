"""Formosa, whose invoices are collected; the sandbox's Stripe where cards pay."""

import pytest
from pytest_django.fixtures import Settings

from accounts.models import Organisation, ProviderSettings
from tests.billing.buying import SITE
from tests.billing.collecting.collector import Collector
from tests.stripe_sandbox import StripeSandbox


@pytest.fixture
def provider(db: None) -> ProviderSettings:
    return ProviderSettings.objects.create(
        pk=1,
        name="Formosa Tel",
        address="1 Songgao Road\nTaipei 110",
        tax_id="24536806",
        bank_details="Bank of Taiwan 004\nAccount 1234567890",
        support_email="help@formosa-tel.example",
    )


@pytest.fixture
def collector(
    formosa: Organisation, stripe_sandbox: StripeSandbox, settings: Settings
) -> Collector:
    settings.SITE_URL = SITE
    return Collector(formosa, stripe_sandbox)
