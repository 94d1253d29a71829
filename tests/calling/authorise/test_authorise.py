"""May this call go on? (rule 9)."""

import pytest

from accounts.models import Organisation
from calling.models import DeniedCall, Source
from credits.models import Hold, Wallet
from tests.calling.authorise.asking import JAPAN_MOBILE, ask
from tests.calling.telephony import give_credit

pytestmark = pytest.mark.usefixtures("card", "mei")


def test_an_allowed_call_is_told_its_terms(pbx: Source, formosa: Organisation) -> None:
    """9.1, in the words of docs/switches: a grant, a hold, the rate."""
    give_credit(formosa, "50")

    answer = ask(pbx, JAPAN_MOBILE, requested_seconds=3600)

    hold = Hold.objects.get()
    assert answer.body == {
        "decision": "allow",
        "authorization_id": f"auth_{hold.pk}",
        "charged_to": "credits",
        "max_duration_s": 1800,
        "warn_at_s": 1740,
        "expires_at": "2026-03-10T03:00:00Z",
        "hold": {"amount": "3.300000", "currency": "USD"},
        "rate": {
            "prefix": "8190",
            "destination": "Place 8190",
            "rate_per_minute": "0.110000",
            "connect_fee": "0.000000",
            "interval_1": 30,
            "interval_n": 6,
        },
        "pulse": {
            "credit": "3.300000",
            "connect_cost": "0.000000",
            "cost_per_second": "0.001833",
            "initial_increment_s": 30,
            "next_increment_s": 6,
        },
        "sip": {"code": 200},
    }
    wallet = Wallet.objects.get(pk=formosa.pk)
    assert (wallet.reserved, wallet.live_calls) == (3_300_000, 1)


def test_a_denial_says_why(pbx: Source, formosa: Organisation) -> None:
    answer = ask(pbx, JAPAN_MOBILE)
    assert answer.body == {
        "decision": "deny",
        "code": "no_funding",
        "reason": "Not enough credit",
        "sip": {"code": 402, "q850": 21},
    }
    assert DeniedCall.objects.get().organisation == formosa
    assert not Hold.objects.exists()
