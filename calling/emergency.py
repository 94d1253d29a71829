"""Emergency numbers by country, as dialled; data, and one question (rule 6.4)."""

from phonenumbers import is_emergency_number

_EUROPE = frozenset({"112"})
_BY_COUNTRY: dict[str, frozenset[str]] = {
    "AE": frozenset({"112", "997", "998", "999"}),
    "AR": frozenset({"100", "101", "107", "911"}),
    "AU": frozenset({"000", "106", "112"}),
    "BR": frozenset({"190", "192", "193", "911"}),
    "CA": frozenset({"911"}),
    "CH": frozenset({"112", "117", "118", "144", "1414"}),
    "CL": frozenset({"131", "132", "133", "911"}),
    "CN": frozenset({"110", "119", "120", "122"}),
    "DE": _EUROPE | {"110"},
    "ES": _EUROPE | {"061", "062", "091", "092"},
    "FR": _EUROPE | {"15", "17", "18", "114", "196"},
    "GB": frozenset({"112", "999"}),
    "HK": frozenset({"112", "992", "999"}),
    "ID": frozenset({"110", "112", "113", "118"}),
    "IE": _EUROPE | {"999"},
    "IL": frozenset({"100", "101", "102", "112"}),
    "IN": frozenset({"100", "101", "102", "108", "112"}),
    "IT": _EUROPE | {"113", "115", "118"},
    "JP": frozenset({"110", "118", "119"}),
    "KR": frozenset({"112", "119"}),
    "MO": frozenset({"110", "112", "119", "999"}),
    "MX": frozenset({"911"}),
    "MY": frozenset({"112", "999"}),
    "NO": frozenset({"110", "112", "113"}),
    "NZ": frozenset({"111"}),
    "PH": frozenset({"117", "911"}),
    "PL": _EUROPE | {"997", "998", "999"},
    "PR": frozenset({"911"}),
    "RU": frozenset({"101", "102", "103", "112"}),
    "SA": frozenset({"911", "997", "998", "999"}),
    "SG": frozenset({"995", "999"}),
    "TH": frozenset({"191", "199", "1669"}),
    "TR": frozenset({"110", "112", "155"}),
    "TW": frozenset({"110", "112", "119"}),
    "US": frozenset({"911"}),
    "VN": frozenset({"113", "114", "115"}),
    "ZA": frozenset({"112", "10111", "10177"}),
}
# GSM's own number: every mobile network must take it, so an unlisted country has it
# beside those that the phone number library knows.
_ANYWHERE = frozenset({"112"})


def is_emergency(digits: str, country: str) -> bool:
    """Whether these digits, dialled in the country, call for help."""
    known = _BY_COUNTRY.get(country)
    if known is not None:
        return digits in known
    return digits in _ANYWHERE or bool(is_emergency_number(digits, country))


def is_emergency_somewhere(digits: str) -> bool:
    """Whether these digits call for help in any country of the table."""
    return any(digits in numbers for numbers in _BY_COUNTRY.values())
