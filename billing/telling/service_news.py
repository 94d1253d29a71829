"""Reads what the notices of a page are made from besides the balance.

Most organisations have no such news. Whether one has any comes with a row that is read
anyway, so that only those who have it pay for reading it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, Model, QuerySet

from accounts.models import (
    NoticeEpisode,
    NoticeKind,
    Organisation,
    ProviderSettings,
)
from billing.models import (
    AutoRecharge,
    Dispute,
    Invoice,
    InvoiceState,
    TopUp,
    TransferAnnouncement,
    TransferState,
)
from billing.recharging.recharge_state import (
    RechargeState,
    RechargeStatus,
    recharge_status,
)
from billing.reversing.open_disputes import disputed_payments


@dataclass(frozen=True)
class ServiceNews:
    """`recharge` is None while auto-recharge is off; `is_low` as it was mailed."""

    announced: list[TransferAnnouncement]
    disputed: list[TopUp]
    recharge: RechargeStatus | None = None
    declined_at: datetime | None = None
    is_low: bool = False
    # Only where the service is paused or an invoice is late; the latest due last.
    provider: ProviderSettings | None = None
    late: Sequence[Invoice] = ()


def news_flags(organisation: Organisation) -> dict[str, Exists]:
    """To annotate a row of this organisation with, before `read_news`."""
    disputes = Dispute.objects.filter(organisation=organisation, closed_at=None)
    recharges = AutoRecharge.objects.filter(organisation=organisation)
    low = NoticeEpisode.objects.filter(
        organisation=organisation, kind=NoticeKind.LOW_BALANCE, closed_at=None
    )
    return {
        "has_announced": Exists(_announced(organisation)),
        "has_disputed": Exists(disputes),
        "has_recharge": Exists(recharges),
        "has_low": Exists(low),
        "has_late": Exists(_late(organisation)),
    }


def read_news(organisation: Organisation, row: Model, *, at: datetime) -> ServiceNews:
    """`row` carries the flags; no statement where none is set."""
    flags = vars(row)
    status = recharge_status(organisation, at) if flags["has_recharge"] else None
    is_billed = flags["has_late"] or organisation.suspended_at is not None
    return ServiceNews(
        announced=list(_announced(organisation)) if flags["has_announced"] else [],
        disputed=disputed_payments(organisation.pk) if flags["has_disputed"] else [],
        recharge=status,
        declined_at=_declined_at(status) if status else None,
        is_low=flags["has_low"],
        provider=ProviderSettings.current() if is_billed else None,
        late=list(_late(organisation)) if flags["has_late"] else [],
    )


def _announced(organisation: Organisation) -> QuerySet[TransferAnnouncement]:
    """Transfers that have not arrived yet, the latest first."""
    mine = TransferAnnouncement.objects.filter(organisation=organisation)
    return mine.filter(state=TransferState.ANNOUNCED).order_by("-id")


def _late(organisation: Organisation) -> QuerySet[Invoice]:
    mine = Invoice.objects.filter(organisation=organisation, state=InvoiceState.LATE)
    return mine.order_by("due_on", "pk")


def _declined_at(status: RechargeStatus) -> datetime | None:
    if status.state != RechargeState.COOLING or status.attempt is None:
        return None
    tries = status.attempt.tries.exclude(ended_at=None).order_by("-number")
    return tries.values_list("ended_at", flat=True).first()
