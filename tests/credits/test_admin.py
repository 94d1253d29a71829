"""Staff read lots and ledger; nobody writes them there."""

from collections.abc import Iterator

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from accounts.models import Organisation, User
from credits.models import LedgerEntry, Lot
from credits.spend import spend
from tests.makers import START, make_lot
from tests.statements import counted

MODELS = ["lot", "ledgerentry"]


@pytest.fixture
def staff(client: Client, formosa: Organisation) -> Iterator[Client]:
    """A superuser's client; Formosa has a lot and a few entries."""
    make_lot(formosa, "10", reference="gift:1")
    for number in range(5):
        spend(formosa, amount=1, reference=f"c{number}#1", started_at=START, at=START)
    client.force_login(User.objects.create_superuser("root@example.com"))
    with override_settings(STAFF_NEED_SECOND_FACTOR=False):
        yield client


@pytest.mark.parametrize("model", MODELS)
def test_staff_find_rows_through_the_organisation(staff: Client, model: str) -> None:
    address = reverse(f"admin:credits_{model}_changelist")
    page = staff.get(address, {"q": "formosa"}).content.decode()
    assert "gift:1" in page
    assert "Formosa Tea Trading" in page
    assert "gift:1" not in staff.get(address, {"q": "contoso"}).content.decode()


@pytest.mark.parametrize("model", MODELS)
def test_nobody_adds_changes_or_deletes(staff: Client, model: str) -> None:
    row = Lot.objects.first() if model == "lot" else LedgerEntry.objects.first()
    assert row is not None
    before = list(type(row).objects.values_list())
    assert staff.get(reverse(f"admin:credits_{model}_add")).status_code == 403
    change = reverse(f"admin:credits_{model}_change", args=[row.pk])
    assert staff.get(change).status_code == 200
    assert staff.post(change, {"note": "x", "remaining": 1}).status_code == 403
    delete = reverse(f"admin:credits_{model}_delete", args=[row.pk])
    assert staff.post(delete, {"post": "yes"}).status_code == 403
    assert list(type(row).objects.values_list()) == before


@pytest.mark.parametrize("model", MODELS)
def test_a_long_list_costs_no_more_statements(
    staff: Client, formosa: Organisation, model: str
) -> None:
    address = reverse(f"admin:credits_{model}_changelist")
    staff.get(address)
    with counted() as few:
        assert staff.get(address).status_code == 200
    for number in range(20):
        make_lot(formosa, "1", reference=f"more:{number}")
    with counted() as many:
        staff.get(address)
    assert many.statements == few.statements
