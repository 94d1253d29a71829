"""What stands in the way of a call, as the page shows it (rule 9.1).

Plain reads: the organisation's own rules and limits, and those of the provider, which
only staff change.
"""

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organisation
from calling.authorise.limits import NEW_FOR, Limits, read_limits, strictest
from calling.models import Barring
from credits.country_names import country_name

EVERYTHING = gettext_lazy("All destinations")


@dataclass(frozen=True)
class RuleRow:
    """One rule in words."""

    pk: int
    name: str
    destinations: str | Promise
    hours: str
    lets_through: bool
    is_forced: bool
    is_active: bool


@dataclass(frozen=True)
class Permissions:
    """Both sides' rules; `limits` are what hold, `provider` what the provider set."""

    own: list[RuleRow]
    provider: list[RuleRow]
    limits: Limits
    provider_limits: Limits
    is_new: bool


def read_permissions(organisation: Organisation, *, at: datetime) -> Permissions:
    """Four statements, whatever the number of rules."""
    provider, own = read_limits(None), read_limits(organisation.pk)
    theirs = [row for row in own if row.by_provider]
    since = {"opened_at": organisation.opened_at, "at": at}
    currency = organisation.currency
    in_force = Barring.objects.filter(organisation=None, is_active=True)
    return Permissions(
        own=[
            row_of(rule) for rule in Barring.objects.filter(organisation=organisation)
        ],
        provider=[row_of(rule) for rule in in_force],
        limits=strictest(provider, own, currency=currency, **since),
        provider_limits=strictest(provider, theirs, currency=currency, **since),
        is_new=at < organisation.opened_at + NEW_FOR,
    )


def row_of(rule: Barring) -> RuleRow:
    return RuleRow(
        rule.pk,
        rule.name,
        _destinations(rule),
        _hours(rule),
        rule.lets_through,
        rule.is_forced,
        rule.is_active,
    )


def _destinations(rule: Barring) -> str | Promise:
    told = [
        f"+{rule.prefix}" if rule.prefix else "",
        str(rule.get_number_type_display()) if rule.number_type else "",
        country_name(rule.country) if rule.country else "",
    ]
    return " · ".join(part for part in told if part) or EVERYTHING


def _hours(rule: Barring) -> str:
    if rule.hour_from is None or rule.hour_until is None:
        return _("always")
    hours = {"since": f"{rule.hour_from:%H:%M}", "until": f"{rule.hour_until:%H:%M}"}
    return _("%(since)s to %(until)s") % hours
