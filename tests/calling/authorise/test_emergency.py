"""Emergency calls pass, whatever the state of organisation, key or Tollgate (9.1)."""

import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import Organisation
from calling.authorise.remember import remembered_sources
from calling.emergency import is_emergency_somewhere
from calling.models import DeniedCall, RateCardVersion, Source
from credits.models import Hold
from tests.calling.authorise.asking import ask
from tests.calling.authorise.test_api import FORM, give_key, post, question
from tests.calling.telephony import MORNING, make_source


@pytest.fixture
def suspended(formosa: Organisation) -> Organisation:
    formosa.suspended_at, formosa.suspended_because = MORNING, "fraud"
    formosa.save()
    return formosa


@pytest.mark.parametrize("callee", ["119", "tel:119", "110;phone-context=tw", "+112"])
def test_for_the_suspended_and_the_penniless(
    callee: str, pbx: Source, suspended: Organisation, card: RateCardVersion
) -> None:
    answer = ask(pbx, callee)
    assert answer.body == {
        "decision": "allow",
        "authorization_id": "auth_emergency",
        "charged_to": "none",
        "max_duration_s": 86_400,
        "sip": {"code": 200},
    }
    assert not Hold.objects.exists()
    assert not DeniedCall.objects.exists()


def test_by_the_country_of_the_source(pbx: Source) -> None:
    """911 is no emergency number in Taiwan; 119 is none in the United States."""
    american = make_source("sbc-us", home_country="US")
    assert ask(pbx, "119").decision == ask(american, "911").decision == "allow"
    assert ask(pbx, "911").decision == ask(american, "119").decision == "deny"


def test_a_switch_may_say_that_it_is_one(pbx: Source) -> None:
    assert ask(pbx, "+886227208889", kind="emergency").decision == "allow"
    assert ask(pbx, "+886227208889", call_type="dr_emergency_out").decision == "allow"


def test_nobody_calls_out_by_being_called_from_one(pbx: Source) -> None:
    assert ask(pbx, "119", direction="inbound").decision == "deny"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (json.dumps(question(to="119")), {}),
        (json.dumps(question(to="119", surprise=1, call_id="")), {}),
        ("to=119&call_id=1", {"content_type": FORM}),
        (json.dumps(question(to="119")), {"Authorization": "Basic Zm9vOmJhcg=="}),
        (json.dumps(question(to="119")), {"Authorization": "Bearer " + "x" * 500}),
    ],
)
def test_without_a_key_and_without_the_database(
    body: str, headers: dict[str, str]
) -> None:
    """This test may not touch the database: the process has just been started."""
    answer = post("/authorize", body, **headers)
    assert (answer.status_code, answer.json()["decision"]) == (200, "allow")


def test_an_unknown_key_is_judged_by_all_sources(pbx: Source) -> None:
    give_key(pbx)
    ask(pbx, "1")  # so that the sources are remembered
    assert remembered_sources()
    assert post("/authorize", question(to="119"), "wrong").status_code == 200
    assert post("/authorize", question(to="911"), "wrong").status_code == 401


def test_other_operations_need_a_key_all_the_same() -> None:
    client: Any = Client()
    for door in ("extend", "release", "settle"):
        answer = client.post(
            f"/api/v1/calls/auth_1/{door}",
            json.dumps({"to": "119"}),
            content_type="application/json",
        )
        assert answer.status_code == 401


def test_numbers_of_every_country_are_known() -> None:
    assert all(map(is_emergency_somewhere, ("112", "119", "911", "999", "110")))
    assert not is_emergency_somewhere("118999")
