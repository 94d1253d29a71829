"""The two numbers of a call as every format reads them, and what they tell of it."""

from typing import NamedTuple

from calling.formats.record import Profile
from calling.phone_numbers import Reading, read_number


class Ends(NamedTuple):
    """E.164 or None for each end; `kind` is said only of an emergency."""

    caller: str | None
    callee: str | None
    flags: str
    kind: str


def read_ends(
    caller_raw: str, callee_raw: str, direction: str, profile: Profile
) -> Ends:
    country, rules = profile.home_country, profile.rewrite_rules
    caller = read_number(caller_raw, country, rules)
    callee = read_number(callee_raw, country, rules)
    masked = Reading.MASKED in {caller.reading, callee.reading}
    helps = direction != "inbound" and callee.reading is Reading.EMERGENCY
    return Ends(
        caller.e164,
        callee.e164,
        "masked" if masked else "",
        "emergency" if helps else "",
    )
