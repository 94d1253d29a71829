"""What senders' words mean (rule 6.3): kind, flag and direction, told once."""

import pytest

from accounts.models import Organisation
from calling.call_words import WORDS, word_of
from calling.kinds import kind_by_route
from calling.models import CallRecord, RateCardVersion, Source
from tests.calling.telephony import make_line, make_record, take_in


def kind_of(word: str, *, toll_free: bool = False) -> str:
    return kind_by_route(
        direction=word_of(word).direction,
        said_kind="",
        call_type=word,
        is_internal=False,
        service_kind="",
        is_bridge=False,
        callee_is_toll_free=toll_free,
    )


@pytest.mark.parametrize(
    ("words", "kind", "flag"),
    [
        ("user_in unassigned_in dr_in dr_unassigned_in ByotIn", "toll_in", ""),
        ("ucap_in dr_in_bot dr_in_ucap", "toll_in", "bot"),
        ("user_out dr_out ByotOut", "", ""),
        ("ucap_out dr_out_bot dr_out_ucap", "", "bot"),
        ("user_out_conf dr_out_user_conf", "", "added_party"),
        ("user_out_transfer dr_out_user_transfer", "", "transferred"),
        ("user_out_forwarding dr_out_user_forwarding", "", "forwarded"),
        ("conf_in", "conference_in_toll", ""),
        ("conf_out", "conference_out", ""),
        ("dr_emergency_out", "emergency", ""),
        ("inbound trunking-originating", "toll_in", ""),
        ("outbound-api outbound-dial trunking-terminating", "", ""),
    ],
)
def test_each_word_has_its_kind_and_flag(words: str, kind: str, flag: str) -> None:
    """An empty kind is one that the number dialled decides."""
    for word in words.split():
        assert kind_of(word) == kind, word
        assert word_of(word).flag == flag, word
        assert word_of(word).is_known, word


def test_a_toll_free_number_makes_the_inbound_words_cost() -> None:
    assert kind_of("user_in", toll_free=True) == "toll_free_in"
    assert kind_of("conf_in", toll_free=True) == "conference_in_toll_free"


@pytest.mark.parametrize(
    ("word", "direction"),
    [
        ("ByotOutUserTransfer", "outbound"),
        ("ByotInSomething", "inbound"),
        ("dr_out_user_hologram", "outbound"),
        ("inbound-hologram", "inbound"),
        ("hologram", ""),
        ("layout", ""),
    ],
)
def test_a_new_word_tells_its_direction_at_most(word: str, direction: str) -> None:
    assert word_of(word) == word_of(word)._replace(direction=direction)
    assert not word_of(word).is_known
    assert word_of(word).kind == ""


def test_every_word_is_in_lower_case_and_says_a_direction() -> None:
    assert all(word == word.lower() for word in WORDS)
    assert {word.direction for word in WORDS.values()} == {"inbound", "outbound"}


def test_a_flag_is_kept_with_the_call_and_once(
    pbx: Source, card: RateCardVersion, formosa: Organisation
) -> None:
    make_line(formosa, "+886223456789")
    take_in(pbx, make_record(call_type="user_out_transfer", flags="masked"))
    assert CallRecord.objects.get().flags == "masked transferred"
