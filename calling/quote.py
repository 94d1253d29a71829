"""What a call would cost and who would pay which part, without placing it.

Asks the same functions as settlement: owner, kind, rate, pools, allocation; so quote
and charge cannot differ (rule 6.2). Reads only, locks nothing, writes nothing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, NamedTuple
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import BillingMode, Organisation
from accounts.refusals import TollgateError
from calling.allocate import Parts, allocate
from calling.call import Call
from calling.call_areas import call_areas
from calling.cards import read_cards
from calling.classify import Facts, classify
from calling.formats.record import CallRecordIn
from calling.judge import lines_of
from calling.line_facts import Lines
from calling.models import CallKind, RateCard, WaitingReason
from calling.modes import ModePeriod, Modes, read_modes
from calling.owner import Mentions, OrganisationFacts, Owner, read_directory
from calling.phone_numbers import Reading, read_number
from calling.pool_keys import PoolKeys
from calling.pools import make_missing, read_pools
from calling.rate import RateView
from calling.regions import country_of
from credits.draft import WalletDraft
from credits.lots import read_live_lots
from credits.models import Wallet
from credits.money import Micros

INBOUND = frozenset(
    {
        CallKind.TOLL_FREE_IN,
        CallKind.TOLL_IN,
        CallKind.CONFERENCE_IN_TOLL_FREE,
        CallKind.CONFERENCE_IN_TOLL,
    }
)
_NOBODY = OrganisationFacts(0, "", "", "", "", ZoneInfo("UTC"))


class NotRated(TollgateError):
    """The call cannot be priced: its record would wait, with the same reason."""

    code: ClassVar[str] = "not_rated"
    sentence: ClassVar[str | Promise] = _("This call cannot be priced.")
    status: ClassVar[int] = 422


SOURCES: dict[str, Promise] = {
    "pool": _("Plan minutes"),
    "credit": _("Credits"),
    "postpaid": _("Billed after use"),
    "debt": _("Beyond the balance"),
}


class PaidBy(NamedTuple):
    """What one source would pay: pool, credit, postpaid or debt."""

    source: str
    seconds: int
    amount: Micros

    @property
    def name(self) -> Promise:
        return SOURCES[self.source]


@dataclass(frozen=True)
class Quote:
    """A call with its price; `rate` is None for a kind that is free."""

    kind: str
    rate: RateView | None
    billed_seconds: int
    cost: Micros
    currency: str
    paid_by: list[PaidBy]

    @property
    def kind_name(self) -> str | Promise:
        return CallKind(self.kind).label


def quote(
    *,
    caller: str,
    callee: str,
    seconds: int,
    at: datetime,
    kind: str = "",
    organisation: Organisation | None = None,
    user: str = "",
) -> Quote:
    """The price of an answered call that starts at this moment; raises NotRated.

    `user` is the identity of the line that calls, where its number does not tell.
    """
    slug = organisation.slug if organisation is not None else ""
    country = organisation.country if organisation is not None else ""
    call = _call(caller, callee, seconds, at, kind=kind, slug=slug, country=country)
    call.record.user = user
    owner = _owner(call)
    call.belongs_to(owner)
    lines = lines_of([call], {call.organisation_id})
    facts = Facts(
        lines=lines,
        cards=read_cards([call.organisation_id], [owner.organisation.currency]),
        modes=_modes(call.organisation_id),
        areas=call_areas(),
        at=at,
    )
    reason = classify(call, owner, facts)
    if reason:
        raise NotRated(WaitingReason(reason).label)
    _, billed, cost = call.rated or (None, 0, 0)
    return Quote(
        kind=call.kind,
        rate=call.rated.rate if call.rated is not None else None,
        billed_seconds=billed,
        cost=cost,
        currency=owner.organisation.currency,
        paid_by=_paid_by(_parts(call, owner, lines, at)),
    )


def _call(
    caller: str,
    callee: str,
    seconds: int,
    at: datetime,
    *,
    kind: str,
    slug: str,
    country: str,
) -> Call:
    from_number = read_number(caller, country)
    home = country or country_of(from_number.e164 or "")
    to_number = read_number(callee, home)
    if to_number.reading is Reading.EMERGENCY:
        kind = CallKind.EMERGENCY.value
    record = CallRecordIn(
        source_record_id="",
        direction="inbound" if kind in INBOUND else "outbound",
        caller=from_number.e164,
        callee=to_number.e164,
        caller_raw=caller,
        callee_raw=callee,
        invited_at=None,
        answered_at=at,
        ended_at=at,
        billable_seconds=seconds,
        body="",
        kind=kind,
        organisation_hint=slug,
    )
    return Call(record, "", at)


def _owner(call: Call) -> Owner:
    """The organisation asked about, or the numbers' owner, else anybody."""
    directory = read_directory(Mentions([call.record]), {})
    found = directory.owner_of(call.record, call.started_at)
    if isinstance(found, Owner):
        return found
    if found != WaitingReason.NO_OWNER:
        raise NotRated(WaitingReason(found).label)
    anybody = _NOBODY._replace(
        country=country_of(call.record.caller or ""), currency=_only_currency()
    )
    return Owner(anybody, None, None)


def _only_currency() -> str:
    currencies = set(
        RateCard.objects.filter(is_default=True).values_list("currency", flat=True)
    )
    if len(currencies) != 1:
        raise NotRated(_("Name an organisation, so that the currency is known."))
    return currencies.pop()


def _modes(organisation_id: int) -> Modes:
    if organisation_id:
        return read_modes([organisation_id])
    always = datetime.min.replace(tzinfo=UTC)
    return {0: [ModePeriod(BillingMode.PREPAID.value, always, None)]}


def _parts(call: Call, owner: Owner, lines: Lines, at: datetime) -> Parts:
    if call.rated is None or not call.organisation_id:
        return Parts()
    pk = call.organisation_id
    ends_all = lines.families_that_end_all()
    pools = read_pools([pk], [call.local_day.replace(day=1)], ends_all, lock=False)
    keys = PoolKeys().of(call)
    zone = owner.organisation.zone
    missing = {key: zone for key in keys if key not in pools.by_key}
    make_missing(pools, missing, save=False)
    wallet = Wallet.objects.get(pk=pk)
    lots = read_live_lots([pk], at=at)[pk]
    return allocate(
        call.rated,
        pools.choose(keys),
        WalletDraft(wallet, lots, at=at),
        reference="quote",
        started_at=call.started_at,
        is_postpaid=call.is_postpaid,
    )


def _paid_by(parts: Parts) -> list[PaidBy]:
    paid = [
        PaidBy("pool", parts.pool_seconds, parts.pool_amount),
        PaidBy("credit", parts.credit_seconds, parts.credit_amount),
        PaidBy("postpaid", parts.postpaid_seconds, parts.postpaid_amount),
        PaidBy("debt", parts.debt_seconds, parts.debt_amount),
    ]
    return [part for part in paid if part.seconds or part.amount]
