"""An organisation limits its own calls (rule 9.1, museum A56).

Price ceiling, daily spend, cost of a call, length of a call, calls at once: an empty
limit is none. The provider's limits, for everybody or for one organisation, hold beside
them and the strictest of each counts, so a customer can never loosen those; a limit
above them is refused. Locks the wallet; before and after are kept in the audit trail.
"""

from dataclasses import asdict, dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.audit import record_audit
from accounts.models import Organisation, User
from calling.authorise.limits import Limits
from calling.models import CallLimits
from calling.permission.ceilings import AMOUNTS, ceilings_of, check_ceilings
from credits.lock import lock_wallet
from credits.money import Micros, amount_text


@dataclass(frozen=True)
class LimitsEntry:
    """Amounts in micros of the organisation's currency; None is no limit."""

    price_ceiling: Micros | None = None
    daily_spend: Micros | None = None
    call_cost: Micros | None = None
    longest_call_seconds: int | None = None
    concurrent_calls: int | None = None


def entry_of(limits: CallLimits | None) -> LimitsEntry:
    if limits is None:
        return LimitsEntry()
    names = LimitsEntry.__annotations__
    return LimitsEntry(**{name: getattr(limits, name) for name in names})


def set_call_limits(
    organisation: Organisation,
    entry: LimitsEntry,
    *,
    at: datetime,
    actor: User | None = None,
    ip: str | None = None,
) -> CallLimits | None:
    """The limits as they stand, None without any; the same again changes nothing.

    Raises a ValidationError by limit for what is looser than the provider allows.
    """
    with transaction.atomic():
        lock_wallet(organisation.pk)
        limits = limits_of(organisation)
        if entry_of(limits) == entry:
            return limits
        wanted, ceilings = Limits(**asdict(entry)), ceilings_of(organisation)
        check_ceilings(wanted, ceilings, organisation.currency)
        limits = limits or CallLimits(organisation=organisation)
        limits.currency = organisation.currency
        return _save(limits, entry, at=at, actor=actor, ip=ip)


def limits_of(
    organisation: Organisation, *, by_provider: bool = False
) -> CallLimits | None:
    """What the organisation set itself, or what the provider set for it."""
    rows = CallLimits.objects.filter(organisation=organisation)
    return rows.filter(by_provider=by_provider).first()


def set_ceilings(
    organisation: Organisation,
    entry: LimitsEntry,
    *,
    at: datetime,
    actor: User | None = None,
    ip: str | None = None,
) -> CallLimits | None:
    """What the provider allows this organisation at most; as above otherwise.

    What the organisation set itself stays, and the stricter of both counts.
    """
    with transaction.atomic():
        lock_wallet(organisation.pk)
        limits = limits_of(organisation, by_provider=True)
        if entry_of(limits) == entry:
            return limits
        limits = limits or CallLimits(organisation=organisation, by_provider=True)
        limits.currency = organisation.currency
        return _save(limits, entry, at=at, actor=actor, ip=ip)


def set_provider_limits(
    entry: LimitsEntry,
    *,
    for_new: bool,
    currency: str,
    at: datetime,
    actor: User | None = None,
    ip: str | None = None,
) -> CallLimits:
    """Those for everybody with this currency ('': any), or for the first 30 days.

    Raises a ValidationError for amounts without a currency.
    """
    if not currency and any(getattr(entry, name) is not None for name in AMOUNTS):
        needed = ValidationError(_("Amounts need a currency."), "currency_needed")
        raise ValidationError({"currency": needed})
    with transaction.atomic():
        known = CallLimits.objects.select_for_update().filter(
            organisation=None, for_new=for_new, currency=currency
        )
        limits = known.first() or CallLimits(for_new=for_new, currency=currency)
        return _save(limits, entry, at=at, actor=actor, ip=ip)


def _save(
    limits: CallLimits,
    entry: LimitsEntry,
    *,
    at: datetime,
    actor: User | None,
    ip: str | None,
) -> CallLimits:
    before = _told(entry_of(limits))
    for name, value in asdict(entry).items():
        setattr(limits, name, value)
    limits.full_clean()
    limits.save()
    whose = limits.organisation.slug if limits.organisation else "provider"
    record_audit(
        "set_ceilings" if limits.by_provider else "set_call_limits",
        at=at,
        organisation=limits.organisation,
        actor=actor,
        object=f"call-limits:{whose}{'/new' if limits.for_new else ''}",
        before=before,
        after=_told(entry),
        ip=ip,
    )
    return limits


def _told(entry: LimitsEntry) -> dict[str, object]:
    return {
        name: amount_text(value) if name in AMOUNTS and value is not None else value
        for name, value in asdict(entry).items()
    }
