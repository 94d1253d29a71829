"""Prices a span of settled calls again, after their rate card was corrected (rule 6.7).

Each kept record is read and judged as it would be today. A call whose kind, price or
billed seconds come out differently gets a new revision through the one settlement path:
revision n is undone, n + 1 settled. A dry run judges alike and writes nothing. Locks
the wallets, a batch at a time; run again, it finds nothing left to change.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.db.models import F, QuerySet

from accounts.models import Organisation
from calling.call import Call
from calling.judge import find_owners, judge
from calling.line_facts import Lines
from calling.models import Charge, RateCard, RawRecord, Source, WaitingReason
from calling.replay import Kept, assign, read_halves, read_kept
from calling.seen import read_seen
from calling.settle import settle_calls
from calling.unit import run_unit
from credits.lock import lock_wallets
from credits.money import Micros, amount_text

BATCH = 1000
NOT_READ = "not_read"
REFUSED = WaitingReason.REFUSED.value


@dataclass(frozen=True)
class Span:
    """Which calls: those the card priced, or would price, that began in [since, until).

    A card of one organisation is only looked at for that organisation's calls.
    """

    card: RateCard
    since: datetime
    until: datetime
    organisation: Organisation | None = None

    def charges(self) -> "QuerySet[Charge]":
        """The current charges of the card's currency in the span, in order of call."""
        found = Charge.objects.filter(
            call_record__started_at__gte=self.since,
            call_record__started_at__lt=self.until,
            call_record__organisation=F("organisation"),
            revision=F("call_record__revision"),
            currency=self.card.currency,
            rate_card_version__isnull=False,
        )
        only = self.organisation or self.card.organisation
        if only is not None:
            found = found.filter(organisation=only, call_record__organisation=only)
        return found.order_by("call_record_id").select_related("call_record")


@dataclass(frozen=True)
class Rerated:
    """One call that costs something else: a line of the report."""

    call_id: int
    organisation_id: int
    currency: str
    started_at: datetime
    callee: str
    prefix: str
    before: Micros
    after: Micros
    revision: int


@dataclass
class Rerating:
    """What changed, or in a dry run would; `not_rated` are left as they are."""

    calls: int = 0
    changed: list[Rerated] = field(default_factory=list)
    not_rated: list[tuple[int, str]] = field(default_factory=list)

    @property
    def before(self) -> Micros:
        return sum(one.before for one in self.changed)

    @property
    def after(self) -> Micros:
        return sum(one.after for one in self.changed)


def rerate_calls(
    span: Span, *, at: datetime, dry_run: bool = False, batch: int = BATCH
) -> Rerating:
    """The whole span, a batch and source to a transaction."""
    result = Rerating()
    versions = frozenset(span.card.versions.values_list("pk", flat=True))
    for charges in _batches(span, batch):
        for source_id, several in groupby(charges, attrgetter("call_record.source_id")):
            source = Source.objects.get(pk=source_id)
            work = _Work(source, versions, at, result)
            if dry_run:
                work.compare(list(several))
            else:
                run_unit(list(several), work.settle, partial(_refuse, result))
    result.changed.sort(key=attrgetter("call_id"))
    return result


def facts_of(result: Rerating, span: Span) -> dict[str, Any]:
    """Counts and sums, for JSON and the audit trail; amounts as text."""
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in result.changed:
        of_owner = sums[one.organisation_id]
        of_owner[0] += 1
        of_owner[1] += one.before
        of_owner[2] += one.after
    slugs = dict(Organisation.objects.filter(pk__in=sums).values_list("pk", "slug"))
    return {
        "card": span.card.name,
        "currency": span.card.currency,
        "calls": result.calls,
        "changed": len(result.changed),
        "not_rated": [
            {"call": call_id, "reason": reason} for call_id, reason in result.not_rated
        ],
        "before": amount_text(result.before),
        "after": amount_text(result.after),
        "organisations": {
            slugs[pk]: {
                "calls": calls,
                "before": amount_text(before),
                "after": amount_text(after),
            }
            for pk, (calls, before, after) in sorted(sums.items())
        },
    }


def _batches(span: Span, size: int) -> Iterator[list[Charge]]:
    after = 0
    while found := list(span.charges().filter(call_record_id__gt=after)[:size]):
        after = found[-1].call_record_id
        yield sorted(found, key=attrgetter("call_record.source_id", "call_record_id"))


def _refuse(result: Rerating, charge: Charge) -> None:
    result.calls += 1
    result.not_rated.append((charge.call_record_id, REFUSED))


@dataclass(frozen=True)
class _Work:
    source: Source
    versions: Collection[int]
    at: datetime
    result: Rerating

    def compare(self, charges: Sequence[Charge]) -> tuple[list[Call], Lines]:
        """Notes what differs; returns the calls that are to be settled anew."""
        by_call = {charge.call_record_id: charge for charge in charges}
        calls, unread = self._read(charges)
        find_owners(calls, self.source)
        keys = {call.record.source_record_id for call in calls}
        lines = judge(calls, read_seen(self.source.pk, keys), at=self.at)
        left = [(call.call_id, call.reason) for call in calls if call.reason]
        # Somebody may have corrected a call since the charges were read.
        same = [
            call
            for call in calls
            if call.previous is not None
            and call.previous.revision == by_call[call.call_id].revision
        ]
        changed = [
            call
            for call in same
            if not call.reason and self._differs(call, by_call[call.call_id])
        ]
        told = [_told(call, by_call[call.call_id]) for call in changed]
        self.result.calls += len(charges)
        self.result.not_rated += [*unread, *left]
        self.result.changed += told
        return changed, lines

    def settle(self, charges: Sequence[Charge]) -> list[None]:
        owners = {charge.organisation_id for charge in charges}
        wallets = lock_wallets(owners)
        known = (self.result.calls, len(self.result.changed))
        noted = len(self.result.not_rated)
        try:
            changed, lines = self.compare(charges)
            settle_calls(changed, wallets, lines, source=self.source, at=self.at)
        except BaseException:
            # The transaction is run again, or in halves: nothing of it counts.
            self.result.calls = known[0]
            del self.result.changed[known[1] :], self.result.not_rated[noted:]
            raise
        return [None] * len(charges)

    def _read(
        self, charges: Iterable[Charge]
    ) -> tuple[list[Call], list[tuple[int, str]]]:
        """The last telling that settled of each call, as its format reads it today."""
        ids = {
            charge.call_record.source_record_id: charge.call_record_id
            for charge in charges
        }
        rows = _last_settled(self.source.pk, ids)
        whole = read_halves(rows.values(), self.source.pk)
        calls, unread = [], []
        for record_id, call_id in ids.items():
            row = rows.get(record_id)
            body = whole.get(record_id, row.body if row is not None else "")
            call = read_kept(row, body, self.source) if row is not None else None
            if call is None:
                unread.append((call_id, NOT_READ))
                continue
            call.call_id = call_id
            if row is not None and row.assigned_to__slug:
                assign(call, row.assigned_to__slug, row.assigned_line__identity or "")
            calls.append(call)
        return calls, unread

    def _differs(self, call: Call, charge: Charge) -> bool:
        if charge.rate_card_version_id not in self.versions and (
            call.version_id not in self.versions
        ):
            return False
        _, seconds, amount = call.rated or (None, 0, 0)
        now = (call.kind, seconds, amount)
        return now != (charge.kind, charge.billed_seconds, charge.rated_amount)


def _last_settled(source_id: int, record_ids: Collection[str]) -> dict[str, Kept]:
    found = RawRecord.objects.filter(
        source=source_id, source_record_id__among=set(record_ids), state="settled"
    )
    rows = found.order_by("revision").values_list("pk", *Kept._fields[1:])
    return {kept.source_record_id: kept for kept in (Kept(*row) for row in rows)}


def _told(call: Call, charge: Charge) -> Rerated:
    return Rerated(
        call_id=call.call_id,
        organisation_id=call.organisation_id,
        currency=charge.currency,
        started_at=call.started_at,
        callee=charge.call_record.callee,
        prefix=call.rated.rate.prefix if call.rated is not None else "",
        before=charge.rated_amount,
        after=call.rated.amount if call.rated is not None else 0,
        revision=call.revision,
    )
