"""Which class a number is of: the card's word, else the numbering plan's (rule 6.3)."""

import pytest

from accounts.models import Organisation
from calling.kinds import kind_by_number
from calling.models import Line, Source
from calling.number_class import class_by_plan, class_of
from calling.phone_numbers import Reading, read_number
from tests.calling.telephony import charge_of, make_card, make_record, take_in


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+449098790000", "premium"),
        ("+448001111111", "tollfree"),
        ("+33810123456", "shared_cost"),
        ("+19002345678", "premium"),
        ("+18005551234", "tollfree"),
        ("+886800123456", "tollfree"),
        ("+886223456789", ""),
        ("+493012345678", ""),
        ("+881612345678", ""),
        ("+999123456789", ""),
    ],
)
def test_the_numbering_plan_knows_special_ranges(number: str, expected: str) -> None:
    assert class_by_plan(number) == expected


def test_the_card_s_word_stands_where_it_says_one() -> None:
    assert class_of("+449098790000", "fixed") == "fixed"
    assert class_of("+449098790000", "any") == "premium"
    assert class_of("+442079460000", "any") == "any"
    assert class_of("+442079460000", "premium") == "premium"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("callee", "country", "card", "kind"),
    [
        ("+449098790000", "GB", "any", "premium"),
        ("+33810123456", "FR", "any", "shared_cost"),
        ("+448001111111", "GB", "any", "domestic"),
        ("+14165550000", "US", "any", "domestic"),
        ("+17875550000", "CA", "any", "domestic"),
        ("+18765550000", "US", "any", "international"),
        ("+449098790000", "GB", "fixed", "domestic"),
    ],
)
def test_rule_6_3_the_number_decides_the_kind(
    callee: str, country: str, card: str, kind: str
) -> None:
    assert kind_by_number(callee, country, card) == kind


@pytest.mark.parametrize(
    ("digits", "country", "reading"),
    [
        ("911", "US", Reading.EMERGENCY),
        ("119", "TW", Reading.EMERGENCY),
        ("112", "KE", Reading.EMERGENCY),
        ("999", "KE", Reading.EMERGENCY),
        ("911", "KE", Reading.NOT_E164),
        ("110", "US", Reading.NOT_E164),
    ],
)
def test_rule_6_4_emergency_numbers_are_a_country_s_own(
    digits: str, country: str, reading: Reading
) -> None:
    assert read_number(digits, country).reading == reading


def test_a_premium_number_on_a_plain_card_is_no_plan_call(
    formosa: Organisation, pbx: Source, mei: Line
) -> None:
    make_card([{"prefix": "44", "rate": "0.5"}, {"prefix": "886", "rate": "0"}])
    take_in(
        pbx,
        make_record("premium", callee="+449098790000"),
        make_record("free", callee="+886800123456"),
        make_record("ordinary", callee="+886212345678"),
    )
    assert charge_of("premium").kind == "premium"
    free = charge_of("free")
    assert (free.kind, free.billed_seconds) == ("domestic", 0)
    assert charge_of("ordinary").billed_seconds == 60
