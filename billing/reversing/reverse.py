"""Keeps credit in step with the money that went back (rule 4.7).

One formula for refunds and disputes of a top-up: of its credit, the part that the
cumulative gross is of its total, half-up; a full reversal is exactly the credit. What
the ledger has booked is brought to that, whatever happened in whatever order: more is
taken from the payment's lots, the rest is debt; a failed refund is undone; a dispute
that was won gives a restored lot, which pays debt before anything else. The caller
holds the locks of the wallet and the sale, and has saved the refund or dispute.
"""

from datetime import datetime, timedelta

from accounts.models import User
from billing.models import Dispute, Refund, TopUp
from billing.models.fields import sold_money
from billing.reversing.reversal_entries import (
    credit_booked,
    last_revision,
    standing_events,
)
from billing.reversing.sale_lots import RESTORED, lots_of
from credits.expiry_date import start_of_day
from credits.issue import issue_lot
from credits.models import EntryKind, LotKind
from credits.money import Micros, currency_of, round_down_to_step, round_half_up
from credits.reverse import reverse_event
from credits.take_back import take_back

Cause = Refund | Dispute


def net_reversal(credit: Micros, gross: Micros, total: Micros, step: Micros) -> Micros:
    """The credit that a gross amount stands for; all of it exactly for the total."""
    return round_half_up(credit * gross, total * step) * step


def gross_of(net: Micros, credit: Micros, total: Micros, step: Micros) -> Micros:
    """The money that goes back for a credit, its share of the tax included."""
    return round_half_up(total * net, credit * step) * step


def whole_steps(micros: Micros, currency: str) -> Micros:
    """What can be paid back of an amount: rounded down."""
    return round_down_to_step(micros, currency_of(currency).step)


def gross_reversed(top_up: TopUp) -> tuple[Micros, Micros]:
    """What refunds and disputes that stand have sent back, tax included."""
    refunds = sum(one.total_micros for one in top_up.refunds.all() if one.stands)
    disputes = sum(one.amount_micros for one in top_up.disputes.all() if one.stands)
    return refunds, disputes


def credit_reversed(top_up: TopUp) -> Micros:
    """What the ledger should have taken for that."""
    gross = min(sum(gross_reversed(top_up)), top_up.total_micros)
    step = currency_of(top_up.currency).step
    return net_reversal(top_up.credit_micros, gross, top_up.total_micros, step)


def settle_reversal(
    top_up: TopUp, cause: Cause, *, at: datetime, actor: User | None = None
) -> None:
    """Books what the cause changes, and keeps the sums on the top-up."""
    if isinstance(cause, Refund) and not cause.stands:
        for reference in standing_events(top_up).get(cause.reference, {}):
            _undo(top_up, reference, at=at)
    missing = credit_reversed(top_up) - credit_booked(top_up)
    if missing < 0 and isinstance(cause, Dispute):
        _restore(top_up, cause, -missing, at=at)
    elif missing < 0:
        _take_less(top_up, -missing, at=at)
    elif missing:
        _take(top_up, _taker(top_up, cause), missing, at=at, actor=actor)
    _keep_sums(top_up)


def _taker(top_up: TopUp, cause: Cause) -> str:
    """Whose reference the entries bear: the cause's, or what still stands."""
    standing = [one for one in top_up.disputes.all() if one.stands]
    return standing[-1].reference if standing and not cause.stands else cause.reference


def _take(
    top_up: TopUp,
    stem: str,
    amount: Micros,
    *,
    at: datetime,
    actor: User | None = None,
) -> None:
    lots = lots_of(top_up)
    # What has lapsed is not refunded, and does not come back with a dispute's win.
    if stem.startswith("dispute:") or amount <= _spendable(top_up, at):
        lots = lots.spendable(at)
    take_back(
        top_up.organisation_id,
        list(lots.values_list("pk", flat=True)),
        amount,
        kind=EntryKind(stem.partition(":")[0]),
        reference=f"{stem}#{last_revision(top_up, stem) + 1}",
        event_at=at,
        at=at,
        note=top_up.receipt_number,
        actor=actor,
    )


def _spendable(top_up: TopUp, at: datetime) -> Micros:
    return sum(lot.remaining for lot in lots_of(top_up).spendable(at))


def _undo(top_up: TopUp, reference: str, *, at: datetime) -> None:
    kinds = [EntryKind.REFUND.value, EntryKind.DISPUTE.value]
    reverse_event(top_up.organisation_id, reference, kinds=kinds, at=at)


def _take_less(top_up: TopUp, surplus: Micros, *, at: datetime) -> None:
    """What rounding has taken too much falls to events that stand."""
    standing = standing_events(top_up)
    for stem, events in reversed(standing.items()):
        for reference, amount in events.items():
            if surplus:
                _undo(top_up, reference, at=at)
                kept = max(0, amount - surplus)
                surplus -= amount - kept
                if kept:
                    _take(top_up, stem, kept, at=at)


def _restore(top_up: TopUp, dispute: Dispute, amount: Micros, *, at: datetime) -> None:
    revision = max(1, last_revision(top_up, dispute.reference))
    issue_lot(
        top_up.organisation,
        kind=LotKind.RESTORED,
        amount=amount,
        reference=f"{dispute.reference}#{revision}{RESTORED}",
        expires_at=_restored_expiry(top_up, dispute, at),
        note=top_up.receipt_number,
        is_taxed=top_up.is_taxed,
        at=at,
    )


def _restored_expiry(top_up: TopUp, dispute: Dispute, at: datetime) -> datetime:
    """As before, or as many days after the win as the credit was withheld."""
    before = max(lots_of(top_up).values_list("expires_at", flat=True))
    since = dispute.withdrawn_at or at
    return max(before, withheld_until(since, at, top_up))


def withheld_until(since: datetime, won_at: datetime, top_up: TopUp) -> datetime:
    """The end of the day as many days after the win as were lost; in their zone."""
    zone, day = top_up.organisation.zone, top_up.organisation.local_day
    days_withheld = day(won_at) - day(since)
    return start_of_day(day(won_at) + days_withheld + timedelta(days=1), zone)


def _keep_sums(top_up: TopUp) -> None:
    refunded, disputed = gross_reversed(top_up)
    most = top_up.total_micros
    top_up.refunded = sold_money(min(refunded, most), top_up.currency)
    top_up.disputed = sold_money(min(disputed, most), top_up.currency)
    newest = max(top_up.disputes.all(), key=_urgency, default=None)
    top_up.dispute_status = newest.status[:30] if newest else ""
    top_up.save(update_fields=["refunded", "disputed", "dispute_status"])


def _urgency(dispute: Dispute) -> tuple[bool, int]:
    return dispute.is_open, dispute.pk
