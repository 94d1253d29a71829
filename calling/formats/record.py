"""What every format turns a switch's words into: one normalised call record.

A format is a pure function from bytes to these; no database, no network, no clock. A
row that is no call record becomes a `RowError` with one sentence, and never stops its
neighbours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from calling.formats.columns import ColumnProfile
from calling.models import Source

Fields: TypeAlias = Mapping[str, Any]
DIRECTIONS = frozenset({"outbound", "inbound"})
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Profile:
    """What a format must know of the source whose words it reads."""

    slug: str
    home_country: str
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    rewrite_rules: tuple[tuple[str, str], ...] = ()
    direction_map: Mapping[str, str] = field(default_factory=dict)
    columns: ColumnProfile = field(default_factory=ColumnProfile)
    all_legs: bool = False
    strict: bool = False

    @classmethod
    def of(cls, source: Source, *, strict: bool = False) -> "Profile":
        return cls(
            slug=source.slug,
            home_country=source.home_country,
            zone=ZoneInfo(source.time_zone),
            rewrite_rules=tuple((old, new) for old, new in source.rewrite_rules),
            direction_map=dict(source.direction_map),
            columns=ColumnProfile.of(source.column_profile),
            all_legs=source.leg_policy == "all",
            strict=strict,
        )

    def direction_of(self, *words: str, known: Mapping[str, str] = NOTHING) -> str:
        """What the source's list says of a context or trunk, '' if nothing.

        The first word that is listed decides, there or among those `known` to the
        format; a star in the source's list stands for all that is not.
        """
        listed = self.direction_map
        for word in words:
            direction = listed.get(word) or known.get(word, "")
            if direction in DIRECTIONS:
                return direction
        return listed["*"] if listed.get("*") in DIRECTIONS else ""


@dataclass(slots=True)
class CallRecordIn:
    """One call as a switch tells it, in our words; `body` is the original text.

    `caller` and `callee` are E.164 or None; `*_raw` are exactly as received. Seconds
    are whole, rounded up: every interval of every rate is whole seconds. A `direction`
    of '' is one that the sender does not tell: whose the numbers are decides. `waits`
    says why the record cannot be settled as it stands. A call that the supplier's own
    plan paid `is_covered`: it draws minutes and no credit; one it gave away `is_free`.
    `authorization_id` is what we answered when the switch asked for permission.
    """

    source_record_id: str
    direction: str
    caller: str | None
    callee: str | None
    caller_raw: str
    callee_raw: str
    invited_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime
    billable_seconds: int
    body: str
    line: int = 0
    call_id: str = ""
    from_tag: str = ""
    authorization_id: str = ""
    account_code: str = ""
    trunk: str = ""
    tenant: str = ""
    user: str = ""
    call_type: str = ""
    kind: str = ""
    conference_id: str = ""
    flags: str = ""
    organisation_hint: str = ""
    time_zone: str = ""  # of times that name none, where it is not the source's
    waits: str = ""
    is_covered: bool = False
    is_free: bool = False
    is_assigned: bool = False  # staff decided whose it is
    ends_unsure: bool = False  # inbound, and either number may be the organisation's

    @property
    def started_at(self) -> datetime:
        """When it was answered; of an unanswered call, when it was tried."""
        return self.answered_at or self.invited_at or self.ended_at


class RowError(NamedTuple):
    """A row that is no call record: where, why, and its text."""

    line: int
    reason: str
    body: str


class SkippedLeg(NamedTuple):
    """A document of a leg that is not billed; its call has another document."""

    line: int


class BadRow(ValueError):
    """Raised inside a format; its sentence becomes the reason of a RowError."""
