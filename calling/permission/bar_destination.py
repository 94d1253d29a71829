"""Who bars which destinations: rules are added, changed and removed (rule 9.1).

A customer's rules are its own, the provider's bind everybody; both are written here,
under the wallet's lock where they are a customer's, so that no call is being judged by
the rule that is just going. Before and after are kept in the audit trail.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, time

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.audit import record_audit
from accounts.models import Organisation, User
from calling.models import Barring
from credits.lock import lock_wallet

MOST_RULES = 200


@dataclass(frozen=True)
class BarringEntry:
    """What is barred, or let through; empty fields fit everything, no hours always."""

    name: str
    prefix: str = ""
    number_type: str = ""
    country: str = ""
    hour_from: time | None = None
    hour_until: time | None = None
    lets_through: bool = False
    is_forced: bool = False
    is_active: bool = True


def entry_of(rule: Barring) -> BarringEntry:
    names = BarringEntry.__annotations__
    return BarringEntry(**{name: getattr(rule, name) for name in names})


def add_barring(
    organisation: Organisation | None,
    entry: BarringEntry,
    *,
    at: datetime,
    actor: User | None = None,
    ip: str | None = None,
) -> Barring:
    """The new rule, in force at once; raises a ValidationError for one that is none."""
    return _save(Barring(organisation=organisation), entry, at=at, actor=actor, ip=ip)


def change_barring(
    rule: Barring,
    entry: BarringEntry,
    *,
    at: datetime,
    actor: User | None = None,
    ip: str | None = None,
) -> Barring:
    """The rule as it is afterwards; what is the same already is not written."""
    if entry_of(rule) == entry:
        return rule
    return _save(rule, entry, at=at, actor=actor, ip=ip)


def remove_barring(
    rule: Barring, *, at: datetime, actor: User | None = None, ip: str | None = None
) -> None:
    """The rule is gone, and what it said stays in the audit trail."""
    with transaction.atomic():
        _lock(rule.organisation_id)
        before = asdict(entry_of(rule))
        _note("remove_barring", rule, before, at=at, actor=actor, ip=ip)
        rule.delete()


def _save(
    rule: Barring,
    entry: BarringEntry,
    *,
    at: datetime,
    actor: User | None,
    ip: str | None,
) -> Barring:
    before = asdict(entry_of(rule)) if rule.pk else None
    for name, value in asdict(entry).items():
        setattr(rule, name, value)
    _check(rule)
    rule.full_clean()
    with transaction.atomic():
        _lock(rule.organisation_id)
        if before is None and _count(rule.organisation_id) >= MOST_RULES:
            raise ValidationError(
                _("You have %(most)d rules. Remove one before you add another."),
                "too_many_rules",
                {"most": MOST_RULES},
            )
        rule.save()
        verb = "add_barring" if before is None else "change_barring"
        _note(verb, rule, before, at=at, actor=actor, ip=ip)
    return rule


def _check(rule: Barring) -> None:
    """An exception names what it lets through: one for everything would end all."""
    is_wide = not (rule.prefix or rule.number_type or rule.country)
    if rule.lets_through and is_wide:
        sentence = _("An exception needs a prefix, a class or a country.")
        raise ValidationError({"prefix": ValidationError(sentence, "too_wide")})


def _count(organisation_id: int | None) -> int:
    return Barring.objects.filter(organisation=organisation_id).count()


def _lock(organisation_id: int | None) -> None:
    if organisation_id is not None:
        lock_wallet(organisation_id)


def _note(
    verb: str,
    rule: Barring,
    before: dict[str, object] | None,
    *,
    at: datetime,
    actor: User | None,
    ip: str | None,
) -> None:
    after = None if verb == "remove_barring" else asdict(entry_of(rule))
    record_audit(
        verb,
        at=at,
        organisation=rule.organisation,
        actor=actor,
        object=f"barring:{rule.pk}",
        before=_told(before),
        after=_told(after),
        ip=ip,
    )


def _told(facts: dict[str, object] | None) -> dict[str, object] | None:
    """What JSON can hold: hours as 22:00."""
    if facts is None:
        return None
    return {
        name: f"{value:%H:%M}" if isinstance(value, time) else value
        for name, value in facts.items()
    }
