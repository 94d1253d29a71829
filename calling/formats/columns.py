"""How a source's files are to be read: names of columns, charset, what is switched on.

Pure. Kept as JSON with the source (its column profile, rule 1.7), since no two
exporters agree on headers, decimal points and encodings.
"""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

CHARSETS = {
    "utf-8": "utf-8-sig",
    "utf-16": "utf-16",
    "gb18030": "gb18030",
    "big5": "cp950",
    "windows-1252": "cp1252",
}
SETTINGS = {
    "columns": dict,  # the sender's column → the word we know it by
    "header": list,  # the columns of a file that has no header
    "charset": str,
    "decimal_comma": bool,
    "extra_columns": list,  # what an Asterisk appends to its sixteen
    "credit_capabilities": list,  # Microsoft's licence codes that draw credits
}


@dataclass(frozen=True)
class ColumnProfile:
    """The column profile of a source; the defaults fit what senders do by default."""

    names: Mapping[str, str] = field(default_factory=dict)
    header: tuple[str, ...] = ()
    charset: str = "utf-8"
    decimal_comma: bool = False
    extra_columns: tuple[str, ...] | None = None
    credit_capabilities: frozenset[str] = frozenset({"MCOPSTNPP"})

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "ColumnProfile":
        """From the JSON that `problem_of` finds nothing wrong with."""
        extras = kept.get("extra_columns")
        return cls(
            names={_name(old): new for old, new in kept.get("columns", {}).items()},
            header=tuple(kept.get("header", ())),
            charset=kept.get("charset", "utf-8").lower(),
            decimal_comma=kept.get("decimal_comma", False),
            extra_columns=None if extras is None else tuple(extras),
            credit_capabilities=cls.credit_capabilities
            | set(kept.get("credit_capabilities", ())),
        )

    def name_of(self, column: str) -> str:
        """The word we know a sender's column by; case and blanks do not matter."""
        name = _name(column)
        return self.names.get(name, name)

    @property
    def codec(self) -> str:
        return CHARSETS[self.charset]


@lru_cache(maxsize=10_000)
def _name(column: str) -> str:
    return " ".join(column.lower().split())


def problem_of(kept: Any) -> str:
    """What is wrong with a column profile as somebody typed it, '' if nothing."""
    if not isinstance(kept, dict):
        return "The column profile is not a list of settings with values."
    for name, value in kept.items():
        wanted = SETTINGS.get(name)
        if wanted is None:
            return f"{name} is not a setting of a column profile."
        if not isinstance(value, wanted):
            return f"{name} must be a {wanted.__name__}."
        if not all(isinstance(word, str) for word in _words(value)):
            return f"{name} must hold texts only."
    charset = kept.get("charset", "utf-8")
    if charset.lower() not in CHARSETS:
        return f"{charset} is not one of the charsets {', '.join(CHARSETS)}."
    return ""


def _words(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else []


def mark_undecodable(error: UnicodeError) -> tuple[str, int]:
    """Puts half a character where bytes mean nothing: only their row is refused."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udc80", error.end


codecs.register_error("tollgate.mark", mark_undecodable)
