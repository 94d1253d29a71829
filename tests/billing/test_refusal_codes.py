"""Whoever is refused reads why, by a code that nothing else has (museum A32)."""

from collections import defaultdict
from datetime import UTC, datetime
from importlib import import_module

from django.test import Client

from accounts.models import Organisation, SuspendedBecause, User
from accounts.refusals import TollgateError
from tests import makers
from tests.billing.test_pages_access import signed_in


def refusals(base: type[TollgateError] = TollgateError) -> list[type[TollgateError]]:
    found = [one for one in base.__subclasses__() if one.__module__[:6] != "tests."]
    return found + [deeper for one in found for deeper in refusals(one)]


def test_a32_each_refusal_has_a_code_of_its_own() -> None:
    import_module("config.urls")
    named = defaultdict(set)
    for refusal in refusals():
        if refusal.code != TollgateError.code:  # the bases, which nobody raises
            named[refusal.code].add(f"{refusal.__module__}.{refusal.__name__}")
    assert len(named) > 50
    assert {code: ones for code, ones in named.items() if len(ones) > 1} == {}


def test_a32_buy_page_says_what_still_blocks_calls(
    alice: User, formosa: Organisation
) -> None:
    """Funds lift no suspension: who adds them is told so first."""
    makers.make_terms("USD")
    client: Client = signed_in(alice)
    assert "Service paused" not in client.get("/credits/add/").content.decode()
    Organisation.objects.filter(pk=formosa.pk).update(
        suspended_at=datetime(2026, 11, 20, 4, 0, tzinfo=UTC),
        suspended_because=SuspendedBecause.REQUEST,
    )
    page = client.get("/credits/add/").content.decode()
    assert "Service paused by" in page
    assert "no call goes out or comes in but emergency calls" in page
