"""The demo's past: two organisations, a year of credit, a month of calls, a bill each.

Everything goes through the product's own verbs, in the order in which it would have
happened, at moments relative to now. Asked again, it adds the calls of the days since
and nothing else: each verb knows what it has seen.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import NamedTuple

from accounts.keys import create_key
from accounts.models import Organisation, Scope, User
from calling.catalogue import seed_catalogue
from calling.formats.generic import parse
from calling.formats.record import CallRecordIn, Profile
from calling.ingest import store_call_records
from calling.models import Source
from sandbox.cast import COMPANIES, FORMOSA, SOURCE, Company
from sandbox.place_calls import Document, calls_of_day, days_until, ended_at
from sandbox.seed_companies import seed_company, seed_login, seed_provider
from sandbox.seed_credit import CREDITS, add_credit
from sandbox.seed_invoices import add_invoice, month_ends
from sandbox.seed_recharge import SWITCHED_ON_DAYS_AGO, add_recharge

DAYS_OF_CALLS = 31
CATALOGUE_IS_OLDER = timedelta(days=400)  # than the oldest organisation


class Event(NamedTuple):
    """Something that happened, to be done at its moment."""

    at: datetime
    happen: Callable[[], None]


def seed(at: datetime) -> Source:
    staff = seed_provider(at=at)
    seed_catalogue(at=at - CATALOGUE_IS_OLDER)
    source = seed_source()
    for company in COMPANIES:
        organisation = seed_company(company, at=at)
        events = [*_calls(company, source, at), *_invoices(organisation, staff, at)]
        if company is FORMOSA:
            events += _credits(organisation, staff, at)
        for event in sorted(events, key=attrgetter("at")):
            event.happen()
    return source


def seed_source() -> Source:
    source, _new = Source.objects.get_or_create(
        slug=SOURCE,
        defaults={"name": "Demo switch", "software": "sandbox", "home_country": "TW"},
    )
    return source


def new_switch_key(source: Source, *, at: datetime) -> str:
    """A key for the switch; its secret is shown once, so each start makes another."""
    former = source.api_key
    source.api_key, secret = create_key(
        "Demo switch",
        organisation=None,
        scopes=[Scope.CALLS_AUTHORIZE, Scope.CDRS_WRITE],
        at=at,
    )
    source.save(update_fields=["api_key"])
    if former is not None:
        former.delete()
    return secret


def _credits(organisation: Organisation, staff: User, at: datetime) -> Iterator[Event]:
    owner = seed_login(FORMOSA.owner)
    for credit in CREDITS:
        moment = at - timedelta(days=credit.days_ago)
        add = partial(
            add_credit, credit, organisation, owner=owner, staff=staff, at=moment
        )
        yield Event(moment, add)
    moment = at - timedelta(days=SWITCHED_ON_DAYS_AGO)
    yield Event(moment, partial(add_recharge, organisation, owner=owner, at=moment))


def _invoices(organisation: Organisation, staff: User, at: datetime) -> Iterator[Event]:
    for moment in month_ends(organisation, at):
        add = partial(add_invoice, organisation, staff=staff, at=moment, now=at)
        yield Event(moment, add)


def _calls(company: Company, source: Source, at: datetime) -> Iterator[Event]:
    """A batch for each day, handed in when its last call has ended."""
    for day in days_until(company, at, DAYS_OF_CALLS):
        calls = [call for call in calls_of_day(company, day) if ended_at(call) < at]
        if calls:
            yield Event(ended_at(calls[-1]), partial(hand_in, source, calls))


def hand_in(source: Source, calls: list[Document]) -> None:
    raw = "\n".join(json.dumps(call) for call in calls).encode()
    records = [
        row for row in parse(raw, Profile.of(source)) if isinstance(row, CallRecordIn)
    ]
    store_call_records(source, records, at=ended_at(calls[-1]))
