"""The cast and the rules every test lives under."""

import pytest

from accounts.models import BillingMode, Organisation, Role, User
from tests import makers


@pytest.fixture
def alice(db: None) -> User:
    """Owns Formosa, which is prepaid."""
    return makers.make_user("alice@formosa.example", name="Alice")


@pytest.fixture
def bob(db: None) -> User:
    """Reads along at Formosa."""
    return makers.make_user("bob@formosa.example", name="Bob")


@pytest.fixture
def charlie(db: None) -> User:
    """Owns Contoso, which is on NCE, and must never see Formosa."""
    return makers.make_user("charlie@contoso.example", name="Charlie")


@pytest.fixture
def formosa(alice: User, bob: User) -> Organisation:
    """A prepaid organisation in Taipei that pays in US dollars."""
    organisation = makers.make_organisation("Formosa Tea Trading", slug="formosa")
    makers.make_member(organisation, alice, Role.OWNER)
    makers.make_member(organisation, bob, Role.VIEWER)
    return organisation


@pytest.fixture
def contoso(charlie: User) -> Organisation:
    """An organisation on the new commerce experience."""
    organisation = makers.make_organisation(
        "Contoso", slug="contoso", billing_mode=BillingMode.NCE
    )
    makers.make_member(organisation, charlie, Role.OWNER)
    return organisation
