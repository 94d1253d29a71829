"""A line is added or changed (rule 1.4).

Its usage country decides which minutes it shares, so a change of it resizes the pools.
A limit warns no later than it stops. Locks the wallet; before and after are kept in
the audit trail.
"""

from dataclasses import asdict, dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.audit import record_audit
from accounts.models import Organisation, User
from calling.models import Line
from calling.resize_pools import resize_pools
from credits.lock import lock_wallet
from credits.money import Micros

LIMITS = ("monthly_warning", "monthly_limit")


@dataclass(frozen=True)
class LineEntry:
    """What is known of a line; the limits are what its paid calls may cost a month."""

    name: str
    kind: str
    identity: str
    usage_country: str
    department: str = ""
    may_spend_credits: bool = True
    is_active: bool = True
    monthly_warning: Micros | None = None
    monthly_limit: Micros | None = None


def entry_of(line: Line) -> LineEntry:
    names = LineEntry.__annotations__
    return LineEntry(**{name: getattr(line, name) for name in names})


def add_line(
    organisation: Organisation,
    entry: LineEntry,
    *,
    at: datetime,
    actor: User | None = None,
    ip: str | None = None,
) -> Line:
    """The new line; its identity is its own within the organisation."""
    line = Line(organisation=organisation)
    return _save(line, entry, at=at, actor=actor, ip=ip)


def change_line(
    line: Line,
    entry: LineEntry,
    *,
    at: datetime,
    actor: User | None = None,
    ip: str | None = None,
) -> Line:
    """The line as it is afterwards; what is the same already is not written."""
    if entry_of(line) == entry:
        return line
    return _save(line, entry, at=at, actor=actor, ip=ip)


def _save(
    line: Line,
    entry: LineEntry,
    *,
    at: datetime,
    actor: User | None,
    ip: str | None,
) -> Line:
    before = asdict(entry_of(line)) if line.pk else None
    moved = before is not None and before["usage_country"] != entry.usage_country
    for name, value in asdict(entry).items():
        setattr(line, name, value)
    _check_limit(entry)
    line.full_clean()
    with transaction.atomic():
        lock_wallet(line.organisation_id)
        if before is None:
            line.save()
        else:
            line.save(update_fields=_written(line, before))
        if moved:
            resize_pools(line.organisation, at=at)
        record_audit(
            "add_line" if before is None else "change_line",
            at=at,
            organisation=line.organisation,
            actor=actor,
            object=f"line:{line.pk}",
            before=before,
            after=asdict(entry),
            ip=ip,
        )
    return line


def _written(line: Line, before: dict[str, object]) -> list[str]:
    """The fields to write; another limit is told of anew, whatever was told."""
    written = list(before)
    if any(getattr(line, name) != before[name] for name in LIMITS):
        line.told_month = line.told_percent = None
        written += ["told_month", "told_percent"]
    return written


def _check_limit(entry: LineEntry) -> None:
    warning, limit = entry.monthly_warning, entry.monthly_limit
    if warning is not None and limit is not None and warning > limit:
        late = _("The warning comes before the stop, so it cannot be higher.")
        problem = ValidationError(late, "late_warning")
        raise ValidationError({"monthly_warning": problem})
