"""Commands: the proof of the books, a wallet, the first run, the timetable."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import Schedule
from djmoney.money import Money
from pytest_django.fixtures import Settings

from accounts.models import (
    AuditEvent,
    BillingModePeriod,
    Notice,
    NoticeKind,
    Organisation,
    ProviderSettings,
    User,
)
from accounts.send import send_due_notices
from billing.models import NumberSeries, StripeInbox, TopUp, TopUpTerms
from billing.snapshot import one_snapshot
from billing.staff_payment import record_staff_payment
from config.schedule import SCHEDULE
from credits.issue import issue_lot
from credits.models import LotKind, Wallet
from credits.money import to_micros
from tests import makers
from tests.flushing.management.commands.flush import fences_lifted
from tests.makers import START
from tests.stripe_sandbox import StripeSandbox

FIFTY = to_micros("50")


def verify(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit status and what was found."""
    out = StringIO()
    try:
        call_command("verify_ledger", "--json", *arguments, stdout=out)
    except SystemExit as ended:
        return int(str(ended.code)), json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


def paid(organisation: Organisation, amount: str = "50") -> TopUp:
    """A sale with its lot, as `finish_top_up` leaves it."""
    top_up = makers.make_top_up(organisation, amount)
    issue_lot(
        organisation,
        kind=LotKind.PURCHASE,
        amount=top_up.credit_micros,
        reference=f"top-up:{top_up.stripe_payment_intent_id}",
        sale_id=top_up.pk,
        at=START,
    )
    return top_up


# --- verify_ledger --------------------------------------------------------------------


def test_books_in_order_are_proven(formosa: Organisation, alice: User) -> None:
    paid(formosa)
    record_staff_payment(
        formosa,
        FIFTY,
        bank_reference="B-1",
        recorded_by=alice,
        note="Transfer of 2 January",
        at=START,
    )
    send_due_notices(START)
    status, found = verify("--at", "2026-01-02T00:00:00Z")
    assert (status, found["breaches"], found["late"]) == (0, [], [])
    assert found["checked"] >= 2


def broken(act: Callable[[], object]) -> list[str]:
    """What the proof finds after something was done past the fences."""
    with connection.cursor() as cursor, fences_lifted(connection):
        cursor.execute("SELECT 1")
        act()
    status, found = verify()
    assert status == 1
    breaches: list[str] = found["breaches"]
    return breaches


def change(sql: str) -> Callable[[], object]:
    def run() -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)

    return run


def test_paid_sale_without_a_lot_is_a_breach(formosa: Organisation) -> None:
    top_up = makers.make_top_up(formosa)
    status, found = verify()
    assert status == 1
    [breach] = found["breaches"]
    assert breach.startswith(f"{top_up.reference}: one lot of 50000000 expected")


def test_sale_whose_amount_was_changed_is_a_breach(formosa: Organisation) -> None:
    top_up = paid(formosa)
    sql = "UPDATE billing_topup SET credit = 60, total = 60, received = 60"
    [breach] = broken(change(sql))
    assert breach.startswith(f"{top_up.reference}: one lot of 60000000 expected")


def test_sale_that_left_paid_is_a_breach(formosa: Organisation) -> None:
    top_up = paid(formosa)
    AuditEvent.objects.create(
        at=START,
        verb="top_up_paid",
        object=top_up.reference,
        after={"payment": top_up.stripe_payment_intent_id},
    )
    breaches = broken(change("UPDATE billing_topup SET state = 'failed'"))
    assert any("was paid by" in breach for breach in breaches)
    assert any("names no paid sale (8)" in breach for breach in breaches)


def test_sale_that_changed_hands_is_a_breach(formosa: Organisation) -> None:
    top_up = makers.make_top_up(formosa, state=TopUp._meta.get_field("state").default)
    AuditEvent.objects.create(
        at=START, verb="start_top_up", object=top_up.reference, organisation=formosa
    )
    other = makers.make_organisation()
    sql = f"UPDATE billing_topup SET organisation_id = {other.pk}"
    assert f"{top_up.reference}: began at organisation {formosa.pk} (22)" in broken(
        change(sql)
    )


def test_sale_during_nce_is_a_breach(formosa: Organisation, alice: User) -> None:
    top_up = paid(formosa)
    payment = makers.make_staff_payment(formosa, by=alice)
    # As if the history said that the organisation was on NCE all the time.
    BillingModePeriod.objects.update(
        billing_mode="NCE", starts_at=START - timedelta(days=9)
    )
    status, found = verify()
    assert status == 1
    assert {
        f"{top_up.reference}: was sold on NCE (22)",
        f"{payment.reference}: was sold on NCE (22)",
    } <= set(found["breaches"])


def test_incoming_that_nobody_pays_is_a_breach(formosa: Organisation) -> None:
    Wallet.objects.update(incoming=5)
    status, found = verify()
    assert status == 1
    assert found["breaches"] == [
        f"wallet {formosa.pk}: incoming 5, top-ups being processed 0 (18)"
    ]


def test_gap_in_the_receipts_is_a_breach(formosa: Organisation) -> None:
    NumberSeries.objects.create(name="R-2026", last=1)
    status, found = verify()
    assert (status, found["breaches"]) == (
        1,
        ["receipt R-2026-0001: missing or never given (20)"],
    )


def test_fence_that_is_missing_is_a_breach(db: None) -> None:
    with connection.cursor() as cursor:
        table = " ON billing_topup" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER top_up_stays_paid{table}")
    status, found = verify()
    assert (status, found["breaches"]) == (
        1,
        ["fence top_up_stays_paid is missing (7)"],
    )


def test_what_a_sweep_has_yet_to_do_is_only_late(formosa: Organisation) -> None:
    StripeInbox.objects.create(
        event_id="evt_1", type="x", payload={}, received_at=START, tries=2
    )
    Notice.objects.create(
        organisation=formosa,
        kind=NoticeKind.RECEIPT,
        episode="e",
        recipient="a@example.com",
        language="en",
        created_at=START,
        next_try_at=START,
    )
    status, found = verify()
    assert (status, found["breaches"]) == (0, [])
    assert len(found["late"]) == 2
    assert verify("--at", START.isoformat())[1]["late"] == []


def test_proof_can_be_narrowed_to_one_organisation(
    formosa: Organisation, contoso: Organisation
) -> None:
    makers.make_top_up(formosa)
    assert verify("--organisation", "formosa")[0] == 1
    assert verify("--organisation", "contoso")[0] == 0


@pytest.mark.parametrize(
    "arguments", [("--organisation", "nobody"), ("--at", "yesterday")]
)
def test_bad_argument_is_one_sentence(db: None, arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("verify_ledger", *arguments)
    assert refused.value.returncode == 2


@pytest.mark.django_db(transaction=True)
def test_snapshot_refuses_to_write() -> None:
    with pytest.raises(Exception, match=r"read-?only"), one_snapshot():
        makers.make_user()
    assert makers.make_user().pk  # and writing goes on afterwards


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_snapshot_sees_one_moment() -> None:
    with one_snapshot():
        before = User.objects.count()
        other = connection.copy()
        with other.cursor() as cursor:
            cursor.execute("UPDATE accounts_user SET name = 'x'")
        other.close()
        assert User.objects.count() == before


# --- wallet ---------------------------------------------------------------------------


def test_wallet_shows_balance_and_lots(formosa: Organisation) -> None:
    top_up = makers.make_top_up(formosa)
    lot = issue_lot(
        formosa,
        kind=LotKind.PURCHASE,
        amount=FIFTY,
        reference="top-up:x",
        sale_id=top_up.pk,
        at=timezone.now(),
    )
    out = StringIO()
    call_command("wallet", "formosa", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {
        "organisation": "formosa",
        "billing_mode": "PREPAID",
        "currency": "USD",
        "balance": "50.000000",
        "available": "50.000000",
        "debt": "0.000000",
        "held": "0.000000",
        "lots": [
            {
                "kind": "purchase",
                "original": "50.000000",
                "remaining": "50.000000",
                "issued_at": lot.issued_at.isoformat(),
                "expires_at": lot.expires_at.isoformat(),
            }
        ],
    }
    out = StringIO()
    call_command("wallet", "formosa", stdout=out)
    assert "available     50.000000" in out.getvalue()
    with pytest.raises(CommandError, match="nobody"):
        call_command("wallet", "nobody")


# --- createprovider -------------------------------------------------------------------


def create_provider(*more: str) -> None:
    call_command(
        "createprovider",
        "--name=Formosa Telecom",
        "--support-email=help@telecom.example",
        "--email=root@telecom.example",
        *more,
        stdout=StringIO(),
    )


def test_first_run_makes_provider_administrator_and_terms(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPERUSER_PASSWORD", "correct horse battery")
    for _ in range(2):
        create_provider("--sell=USD", "--sell=TWD:2,000:100000:500000")
    assert ProviderSettings.objects.get().name == "Formosa Telecom"
    admin = User.objects.get()
    assert admin.is_superuser
    assert admin.check_password("correct horse battery")
    assert TopUpTerms.objects.get(currency="USD").minimum == Money(50, "USD")
    assert TopUpTerms.objects.get(currency="TWD").minimum == Money(2000, "TWD")
    assert AuditEvent.objects.filter(verb="set_terms").count() == 2


@pytest.mark.parametrize(
    ("sell", "password"),
    [
        ("XXX", "correct horse battery"),
        ("USD:50", "correct horse battery"),
        ("USD:50:20:100", "correct horse battery"),
        ("USD:50.001:200:1000", "correct horse battery"),
        ("USD", "short"),
        ("USD", ""),
    ],
)
def test_first_run_refuses_in_one_sentence_and_leaves_nothing(
    db: None, monkeypatch: pytest.MonkeyPatch, sell: str, password: str
) -> None:
    monkeypatch.setenv("SUPERUSER_PASSWORD", password)
    with pytest.raises(CommandError) as refused:
        create_provider(f"--sell={sell}")
    assert refused.value.returncode == 2
    assert not User.objects.exists()
    assert not ProviderSettings.objects.exists()
    assert not TopUpTerms.objects.exists()


# --- the timetable --------------------------------------------------------------------


def test_timetable_is_written_and_what_is_gone_is_removed(db: None) -> None:
    Schedule.objects.create(name="old", func="x.y")
    call_command("sync_schedule", stdout=StringIO())
    moments = dict(Schedule.objects.values_list("name", "next_run"))
    assert set(moments) == {line.name for line in SCHEDULE}
    call_command("sync_schedule", stdout=StringIO())
    assert dict(Schedule.objects.values_list("name", "next_run")) == moments


@pytest.mark.parametrize("line", SCHEDULE, ids=lambda line: line.name)
def test_timed_job_exists_and_stands_an_empty_database(
    db: None, stripe_sandbox: StripeSandbox, line: Any
) -> None:
    import_string(line.function)()


def test_worker_with_a_pool_is_refused(
    db: None, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "OPTIONS", {"pool": True})
    for command, refused in (("qcluster", True), ("runserver", False)):
        monkeypatch.setattr("sys.argv", ["manage.py", command])
        found = {message.id for message in run_checks()}
        assert ("tollgate.C001" in found) is refused
