"""Which kind a call is, in the order of the rules (rule 6.3)."""

from typing import Any

import pytest

from calling.kinds import kind_by_number, kind_by_route, purpose_of


def by_route(**more: Any) -> str:
    facts: dict[str, Any] = {
        "direction": "outbound",
        "said_kind": "",
        "call_type": "",
        "is_internal": False,
        "service_kind": "",
        "is_bridge": False,
        "callee_is_toll_free": False,
    }
    return kind_by_route(**{**facts, **more})


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({}, ""),
        ({"said_kind": "emergency", "is_internal": True}, "emergency"),
        ({"call_type": "dr_emergency_out"}, "emergency"),
        ({"is_internal": True}, "on_net"),
        ({"said_kind": "on_net"}, "on_net"),
        ({"direction": "inbound"}, "toll_in"),
        ({"direction": "inbound", "service_kind": "toll_free"}, "toll_free_in"),
        ({"direction": "inbound", "callee_is_toll_free": True}, "toll_free_in"),
        (
            {"direction": "inbound", "service_kind": "toll_free", "is_bridge": True},
            "conference_in_toll_free",
        ),
        (
            {"direction": "inbound", "service_kind": "toll", "is_bridge": True},
            "conference_in_toll",
        ),
        ({"direction": "inbound", "call_type": "conf_in"}, "conference_in_toll"),
        ({"call_type": "conf_out"}, "conference_out"),
        ({"said_kind": "conference_out"}, "conference_out"),
        ({"call_type": "a word nobody knows"}, ""),
    ],
)
def test_the_route_decides_first(facts: dict[str, Any], kind: str) -> None:
    assert by_route(**facts) == kind


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("callee", "country", "number_type", "kind"),
    [
        ("+886223456789", "TW", "fixed", "domestic"),
        ("+14165550100", "US", "any", "domestic"),
        ("+81312345678", "TW", "fixed", "international"),
        ("+886204123456", "TW", "premium", "premium"),
        ("+448450000000", "GB", "shared_cost", "shared_cost"),
        ("+886800123456", "TW", "tollfree", "domestic"),
    ],
)
def test_then_the_number_dialled(
    callee: str, country: str, number_type: str, kind: str
) -> None:
    assert kind_by_number(callee, country, number_type) == kind


def test_each_kind_has_the_card_of_its_purpose() -> None:
    assert purpose_of("toll_free_in") == "toll_free_in"
    assert purpose_of("conference_in_toll_free") == "toll_free_in"
    assert purpose_of("conference_out") == "conference"
    assert purpose_of("") == purpose_of("domestic") == "calling"
