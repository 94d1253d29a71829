"""Every test here ends with the proof: whatever it did, the ledger adds up."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db.models import Max

from credits.models import LedgerEntry
from credits.prove import prove
from tests.makers import START


@pytest.fixture
def breached() -> None:
    """Asked for by a test that leaves a breach behind on purpose."""


@pytest.fixture(autouse=True)
def proven(request: pytest.FixtureRequest) -> Iterator[None]:
    names = set(request.fixturenames)
    if names & {"db", "transactional_db"} and "breached" not in names:
        request.getfixturevalue("db")
        yield
        newest = LedgerEntry.objects.aggregate(at=Max("booked_at"))["at"]
        assert prove(at=newest or START + timedelta(days=1)).breaches == []
    else:
        yield
