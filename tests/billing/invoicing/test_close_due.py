"""Months are closed 72 hours after they end, in bulk, and once (rule 10.1)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, transaction

from accounts.models import BillingMode, Organisation
from billing.invoicing import read_usage as reading
from billing.invoicing.close_due import close_due_months
from billing.invoicing.read_usage import Billed, Usage, newest_charge, read_usage
from billing.models import ClosedMonth, Invoice
from calling.models import CallingPlan, Line, Source
from credits.lock import lock_wallet
from tests import makers
from tests.billing.invoicing.closing import MARCH, TENTH, call, close
from tests.calling import telephony
from tests.calling.plans import make_plan, take
from tests.calling.telephony import counted_statements

DUE = datetime(2026, 4, 3, 16, tzinfo=UTC)  # in Taipei


@pytest.mark.django_db
def test_a_zone_comes_due_at_its_own_hour(contoso: Organisation) -> None:
    """12: eight hours before London, thirteen before New York."""
    london = makers.make_organisation(time_zone="Europe/London")
    new_york = makers.make_organisation(time_zone="America/New_York")
    close_due_months(DUE - timedelta(days=10))  # February, everywhere
    ClosedMonth.objects.get(organisation=contoso, month="2026-02-01")
    closed = []
    for hours in (-1, 0, 7, 11, 12):  # London and New York have summer time by then
        close_due_months(DUE + timedelta(hours=hours))
        march = ClosedMonth.objects.filter(month=MARCH).order_by("pk")
        closed.append(list(march.values_list("organisation", flat=True)))
    assert closed == [
        [],
        [contoso.pk],
        [contoso.pk, london.pk],
        [contoso.pk, london.pk],
        [contoso.pk, london.pk, new_york.pk],
    ]
    assert close_due_months(DUE + timedelta(hours=13)) == 0


@pytest.mark.django_db
def test_a_closed_organisation_is_asked_for_late_calls_for_a_while(
    contoso: Organisation,
) -> None:
    contoso.closed_at = TENTH
    contoso.save()
    assert close_due_months(DUE) == 1
    assert close_due_months(TENTH + timedelta(days=101)) == 0


def make_billed(numbers: range, pbx: Source) -> None:
    """An organisation for each, with licences and a post-paid call."""
    for number in numbers:
        one = makers.make_organisation(billing_mode=BillingMode.NCE)
        take(one, CallingPlan.objects.get(), quantity=2)
        caller = f"+8862{20_000_000 + number}"
        telephony.make_line(one, caller)
        record = telephony.make_record(caller=caller, at=TENTH)
        telephony.take_in(pbx, record, at=TENTH + timedelta(hours=1))


@pytest.mark.django_db
def test_the_number_of_statements_does_not_grow(pbx: Source) -> None:
    """10.1: as many for ten organisations as for two."""
    make_plan(price="10", mode=BillingMode.NCE)
    statements = []
    for numbers in (range(2), range(2, 12)):
        make_billed(numbers, pbx)
        with counted_statements() as told:
            assert close_due_months(DUE) == len(numbers)
        statements.append(len(told))
    assert statements[0] == statements[1] < 40
    assert Invoice.objects.count() == 12


@pytest.mark.django_db
def test_many_are_added_up_as_each_alone(
    pbx: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """10.1: neighbours that were billed further, or are not asked for, stay out."""
    make_plan(price="10", mode=BillingMode.NCE)
    make_billed(range(4), pbx)
    ids = list(Organisation.objects.order_by("pk").values_list("pk", flat=True))
    billed = [Billed(pk, date.min, 0) for pk in ids[:-1]]
    billed[1] = billed[1]._replace(until=date(2026, 4, 1), charge=newest_charge())

    def read() -> dict[int, list[Usage]]:
        return read_usage(
            billed, month=MARCH, until=date(2026, 4, 1), up_to_charge=10**9
        )

    each = read()
    monkeypatch.setattr(reading, "MANY", 2)
    assert read() == each
    assert set(each) == {ids[0], ids[2]}


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_at_once_create_one(contoso: Organisation, desk: Line, pbx: Source) -> None:
    """10.1: whoever comes second finds the month closed."""
    call(pbx, "one")

    def once(_number: int) -> int:
        try:
            return close(contoso).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(once, range(8)))
    assert len(found) == 1
    assert (ClosedMonth.objects.count(), Invoice.objects.count()) == (1, 1)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_sweep_waits_for_nobody(contoso: Organisation) -> None:
    other = makers.make_organisation()

    def sweep() -> int:
        try:
            return close_due_months(DUE)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            lock_wallet(contoso.pk)
            assert pool.submit(sweep).result() == 1
        assert pool.submit(sweep).result() == 1
    assert set(ClosedMonth.objects.values_list("organisation", flat=True)) == {
        contoso.pk,
        other.pk,
    }
