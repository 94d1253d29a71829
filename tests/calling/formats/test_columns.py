"""A source's column profile: what it may say, and that it says it."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from calling.formats.columns import ColumnProfile, problem_of
from calling.formats.record import Profile
from calling.models import Source
from tests.calling.telephony import make_source

GOOD: dict[str, Any] = {
    "columns": {"Rufnummer": "to"},
    "header": ["to", "from"],
    "charset": "Big5",
    "decimal_comma": True,
    "extra_columns": ["uniqueid"],
    "credit_capabilities": ["MCOPSTN5"],
}


NO_CHARSET = (
    "klingon is not one of the charsets utf-8, utf-16, gb18030, big5, windows-1252."
)


@pytest.mark.parametrize(
    ("kept", "problem"),
    [
        ({}, ""),
        (GOOD, ""),
        ([], "The column profile is not a list of settings with values."),
        ({"colour": 1}, "colour is not a setting of a column profile."),
        ({"header": "to"}, "header must be a list."),
        ({"columns": {"a": 1}}, "columns must hold texts only."),
        ({"header": [1]}, "header must hold texts only."),
        ({"charset": "klingon"}, NO_CHARSET),
    ],
)
def test_a_profile_is_checked_before_it_is_kept(kept: Any, problem: str) -> None:
    assert problem_of(kept) == problem


def test_case_and_blanks_of_a_column_do_not_matter() -> None:
    profile = ColumnProfile.of(GOOD)
    assert profile.name_of("  RUFNUMMER ") == "to"
    assert profile.name_of("Call  Type") == "call type"
    assert profile.codec == "cp950"
    assert profile.credit_capabilities == {"MCOPSTNPP", "MCOPSTN5"}


def test_the_source_keeps_it_and_refuses_what_is_none(db: None) -> None:
    source = make_source(column_profile=GOOD)
    profile = Profile.of(Source.objects.get(pk=source.pk))
    assert profile.columns == ColumnProfile.of(GOOD)
    source.column_profile = {"charset": "klingon"}
    with pytest.raises(ValidationError, match="klingon is not one of the charsets"):
        source.full_clean()
