"""Contoso, which is on NCE, calls Japan and Britain; every test ends with the proof."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from accounts.models import Organisation
from billing.prove import prove
from calling.models import Line, Source
from tests.calling import telephony


@pytest.fixture
def pbx(db: None) -> Source:
    telephony.make_card(
        [
            {"prefix": "81", "rate": "0.021", "country": "JP"},
            {"prefix": "44", "rate": "0.012345", "country": "GB"},
            {"prefix": "886", "rate": "0.02", "country": "TW"},
        ]
    )
    return telephony.make_source()


@pytest.fixture
def desk(contoso: Organisation, pbx: Source) -> Line:
    """Contoso's phone, of its sales department."""
    return telephony.make_line(contoso, "+886223456789", department="Sales")


@pytest.fixture(autouse=True)
def proven(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "db" in request.fixturenames and "breached" not in request.fixturenames:
        found = prove(at=datetime(2026, 1, 1, tzinfo=UTC))
        assert found.breaches == []


@pytest.fixture
def breached() -> None:
    """Asked for by a test that leaves a breach behind on purpose."""
