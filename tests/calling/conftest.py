"""A switch, a price list and a phone for the calling tests."""

from collections.abc import Iterator

import pytest
from django.db.models import Max

from accounts.models import Organisation
from calling.call_areas import forget_call_areas
from calling.models import Line, RateCardVersion, Source
from calling.prove import prove as prove_calls
from calling.rate_table import rate_table
from credits.models import LedgerEntry
from credits.prove import prove as prove_credits
from tests.calling import telephony
from tests.makers import START


@pytest.fixture
def pbx(db: None) -> Source:
    """A switch in Taiwan."""
    return telephony.make_source()


@pytest.fixture
def card(db: None) -> RateCardVersion:
    """Everybody's price list in US dollars."""
    return telephony.make_card(
        [
            {"prefix": "81", "rate": "0.021", "country": "JP"},
            {"prefix": "8190", "rate": "0.11", "interval_1": 30, "interval_n": 6},
            {"prefix": "886", "rate": "0.02", "country": "TW"},
            {"prefix": "886800", "rate": "0", "number_type": "tollfree"},
            {"prefix": "88620", "rate": "1", "number_type": "premium"},
            {"prefix": "1900", "rate": "0", "is_blocked": True},
            {"prefix": "44", "rate": "0.012"},
            {"prefix": "447500", "rate": "0.341", "connect_fee": "0.05"},
        ]
    )


@pytest.fixture
def mei(formosa: Organisation) -> Line:
    """Mei's phone in Taipei, without a plan."""
    return telephony.make_line(formosa, "+886223456789", identity="mei")


@pytest.fixture
def breached() -> None:
    """Asked for by a test that leaves a breach behind on purpose."""


@pytest.fixture(autouse=True)
def proven(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test ends with the proof: whatever it did, the books add up."""
    names = set(request.fixturenames)
    if names & {"db", "transactional_db"} and "breached" not in names:
        request.getfixturevalue("db")
        yield
        newest = LedgerEntry.objects.aggregate(at=Max("booked_at"))["at"]
        at = newest or START
        assert prove_credits(at=at).breaches == []
        assert prove_calls(at=at).breaches == []
    else:
        yield


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """A version that was rolled back leaves its number to the next test's."""
    rate_table.cache_clear()
    forget_call_areas()
