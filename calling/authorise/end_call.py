"""Ends a running call at the switch's word: released unused, or settled (rule 9.4).

Settling stores one call record that names its hold, on the one path that all records
take; so it may be told twice, and a record that comes by another door settles it, too.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from calling.authorise.answers import authorization_id
from calling.authorise.refusals import SequenceTooLow
from calling.end_holds import end_holds
from calling.formats import generic
from calling.formats.record import CallRecordIn, Profile
from calling.ingest import store_call_records
from calling.models import Charge, Source
from calling.outcome import WAITING
from credits.lock import lock_wallet
from credits.models import Hold, HoldState
from credits.refresh import refresh_wallets


@dataclass(frozen=True)
class Ending:
    """How a call went, as the switch tells it when it is over."""

    source_record_id: str
    answered_at: datetime | None
    ended_at: datetime
    billable_seconds: float | None = None
    hangup_cause: int | None = None
    sip_code: int | None = None


@dataclass(frozen=True)
class Settled:
    """What became of the record: its charge, or why it waits."""

    hold: Hold
    reason: str
    charge: Charge | None

    @property
    def released(self) -> int:
        """What was set aside and not needed, in micros."""
        charge = self.charge
        if charge is None:
            return 0 if self.reason else self.hold.amount
        return max(0, self.hold.amount - charge.rated_amount + charge.pool_amount)


def release_call(hold: Hold, *, sequence: int | None = None, at: datetime) -> HoldState:
    """Gives back all that a call set aside; how its hold ended, now or before."""
    with transaction.atomic():
        wallet = lock_wallet(hold.organisation_id)
        _check(hold, sequence)
        chosen = Hold.objects.filter(pk=hold.pk)
        wallets = {wallet.organisation_id: wallet}
        if end_holds(wallets, chosen, HoldState.RELEASED, at=at):
            refresh_wallets([wallet])
    hold.refresh_from_db()
    return HoldState(hold.state)


def settle_call(
    hold: Hold,
    source: Source,
    ending: Ending,
    *,
    sequence: int | None = None,
    at: datetime,
) -> Settled:
    """Charges the call from its record; told again, it answers the same."""
    _check(hold, sequence)
    record = record_of(hold, source, ending)
    (outcome,) = store_call_records(source, [record], at=at).outcomes
    reason = outcome.reason if outcome.status == WAITING else ""
    charges = Charge.objects.filter(
        organisation=hold.organisation_id,
        call_record__source=source,
        call_record__source_record_id=record.source_record_id,
    )
    charge = None if reason else charges.order_by("-revision").first()
    return Settled(hold, reason, charge)


def record_of(hold: Hold, source: Source, ending: Ending) -> CallRecordIn:
    """The record as the switch would have written it in our own words."""
    asked: dict[str, Any] = dict(hold.answer.get("_asked", {}))
    hint = asked.pop("organisation", "")
    fields = {
        "source_record_id": ending.source_record_id,
        **asked,
        "authorization_id": authorization_id(hold.pk),
        "answered_at": ending.answered_at and ending.answered_at.isoformat(),
        "ended_at": ending.ended_at.isoformat(),
        "billable_s": ending.billable_seconds,
        "hangup_cause": ending.hangup_cause,
        "sip_code": ending.sip_code,
    }
    told = {name: value for name, value in fields.items() if value is not None}
    told["answered_at"] = fields["answered_at"]
    body = json.dumps(told, ensure_ascii=False)
    record = generic.read(generic.DECODER.decode(body), body, Profile.of(source))
    record.organisation_hint = hint
    return record


def _check(hold: Hold, sequence: int | None) -> None:
    if sequence is not None and sequence < hold.sequence:
        raise SequenceTooLow(asked=sequence, known=hold.sequence)
