"""The demo's past goes through the product's own verbs, and may be told again."""

import random
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from pytest_django.fixtures import Settings

from accounts.models import Organisation, User
from billing import prove as billing_proof
from billing.models import Invoice
from billing.recharging.auto_recharge import switch_off_auto_recharge
from calling import prove as calling_proof
from calling.models import CallRecord, Charge, RawRecord
from credits import prove as credits_proof
from credits.models import LedgerEntry, LotKind
from sandbox import switch
from sandbox.cast import COMPANIES, CONTOSO, FORMOSA, LOGINS, PASSWORD
from sandbox.place_calls import calls_of_day, ended_at
from sandbox.seed import new_switch_key, seed, seed_source
from tests.stripe_sandbox import StripeSandbox

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
A_TUESDAY, A_SUNDAY = date(2026, 11, 24), date(2026, 11, 22)


def test_a_day_has_the_same_calls_whenever_it_is_asked_for() -> None:
    for company in COMPANIES:
        assert calls_of_day(company, A_TUESDAY) == calls_of_day(company, A_TUESDAY)
        assert calls_of_day(company, A_TUESDAY) != calls_of_day(company, A_SUNDAY)


def test_calls_end_in_order_on_their_day_and_fewer_on_a_sunday() -> None:
    calls = calls_of_day(FORMOSA, A_TUESDAY)
    ends = [ended_at(call) for call in calls]
    assert ends == sorted(ends)
    zone = ZoneInfo(FORMOSA.time_zone)
    starts = [datetime.fromisoformat(str(call["invited_at"])) for call in calls]
    assert {start.astimezone(zone).date() for start in starts} == {A_TUESDAY}
    assert len({call["source_record_id"] for call in calls}) == len(calls)
    assert len(calls_of_day(FORMOSA, A_SUNDAY)) < len(calls) / 2


def test_the_switch_rings_for_a_call_that_begins_now() -> None:
    call = switch.ring(random.Random(5), at=NOW)
    assert datetime.fromisoformat(str(call["invited_at"])) == NOW < ended_at(call)
    assert str(call["source_record_id"]).startswith("live-")


@pytest.mark.slow
def test_the_past_is_told_once(
    db: None, stripe_sandbox: StripeSandbox, settings: Settings
) -> None:
    settings.SITE_URL = "http://127.0.0.1:9"  # nobody; the payment page leads back here
    source = seed(NOW)

    formosa = Organisation.objects.get(slug=FORMOSA.slug)
    contoso = Organisation.objects.get(slug=CONTOSO.slug)
    assert formosa.buys_credits
    assert not contoso.buys_credits
    kinds = set(formosa.lots.values_list("kind", flat=True))
    assert kinds == {LotKind.PURCHASE, LotKind.PROMOTIONAL, LotKind.STAFF_PAYMENT}
    assert not contoso.lots.exists()
    row = formosa.autorecharge_set.get()
    assert (row.payment_method.last_four, row.payment_method.is_default) == (
        "4242",
        True,
    )
    assert row.consent.user.email == FORMOSA.owner.email
    first, *others = formosa.lots.in_burn_order()
    assert 0 < first.remaining < first.original / 2
    assert all(lot.remaining == lot.original for lot in others)
    assert not RawRecord.objects.exclude(state="settled").exists()
    paid = Charge.objects.filter(organisation=contoso, postpaid_amount__gt=0)
    assert paid.exists()
    for organisation in (formosa, contoso):
        invoice = organisation.invoices.get()
        assert (invoice.state, invoice.month) == ("paid", date(2026, 10, 1))
        assert invoice.total_minor > 0
    for login in LOGINS:
        assert User.objects.get(email=login.email).check_password(PASSWORD)

    calls, entries = CallRecord.objects.count(), LedgerEntry.objects.count()
    switch_off_auto_recharge(formosa, actor=None, at=NOW)  # it stays off
    assert seed(NOW) == source
    assert not formosa.autorecharge_set.exists()
    assert formosa.payment_methods.count() == 1
    assert CallRecord.objects.count() == calls
    assert Invoice.objects.count() == 2
    assert LedgerEntry.objects.count() == entries
    for app in (credits_proof, calling_proof, billing_proof):
        assert app.prove(at=NOW).breaches == []


def test_each_start_makes_a_new_key_for_the_switch(db: None) -> None:
    source = seed_source()
    first = new_switch_key(source, at=NOW)
    second = new_switch_key(source, at=NOW)
    assert first != second
    source.refresh_from_db()
    assert source.api_key is not None
    assert second.split("_")[2].startswith(source.api_key.prefix)
