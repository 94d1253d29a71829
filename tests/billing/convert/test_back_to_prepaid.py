"""Back to prepaid: after the final invoice, by staff alone (rule 2.4)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError

from accounts.models import AuditEvent, Notice, NoticeKind, Organisation, User
from billing.convert.back_to_prepaid import back_to_prepaid
from billing.models import Invoice, LineKind
from billing.refusals import UseNotBilled
from calling.models import Line, MinutePool, Source, SpendingLimit
from calling.subscribe import subscribe
from credits.models import Wallet
from tests import makers
from tests.billing.convert.moving import REASON, assert_proven, make_twins, move
from tests.calling.plans import take
from tests.calling.telephony import charge_of, make_record, take_in
from tests.makers import START

pytestmark = pytest.mark.usefixtures("card")

MOVED = datetime(2026, 5, 16, 4, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TAIPEI, TOKYO = "+886212345678", "+81312345678"


@pytest.fixture
def staff(db: None) -> User:
    return makers.make_user("staff@provider.example", is_staff=True)


def talk(
    pbx: Source, name: str, minutes: int, *, at: datetime, to: str = TOKYO
) -> None:
    record = make_record(name, callee=to, seconds=60 * minutes, at=at)
    take_in(pbx, record, at=at + HOUR)


def back(organisation: Organisation, staff: User, *, at: datetime) -> Organisation:
    return back_to_prepaid(organisation, actor=staff, reason=REASON, at=at)


def test_2_4_all_use_is_billed_and_the_invoice_issued_before(
    formosa: Organisation, mei: Line, pbx: Source, staff: User
) -> None:
    prepaid, nce = make_twins()
    take(formosa, prepaid, mei)
    move(formosa, at=MOVED, spending_limit=90_000_000)
    talk(pbx, "after use", 100, at=MOVED + HOUR)
    returned = back(formosa, staff, at=MOVED + DAY)
    assert returned.buys_credits
    [invoice] = Invoice.objects.all()
    assert invoice.number
    assert invoice.lines.get(kind=LineKind.USAGE).amount == 2_100_000
    assert not SpendingLimit.objects.exists()
    running = formosa.subscriptions.get(ends_at=None)
    assert (running.plan, running.billing_mode) == (prepaid, "PREPAID")
    modes = formosa.mode_periods.order_by("starts_at")
    assert list(modes.values_list("billing_mode", flat=True)) == [
        "PREPAID",
        "NCE",
        "PREPAID",
    ]
    event = AuditEvent.objects.get(verb="back_to_prepaid")
    assert (event.actor, event.reason) == (staff, REASON)
    assert Notice.objects.filter(kind=NoticeKind.BACK_TO_PREPAID).exists()
    assert nce.subscriptions.get().ends_at == MOVED + DAY
    assert_proven()


def test_2_4_nothing_used_makes_no_invoice(formosa: Organisation, staff: User) -> None:
    move(formosa, at=MOVED)
    for days in (1, 2):
        assert back(formosa, staff, at=MOVED + days * DAY).buys_credits
    assert not Invoice.objects.exists()
    assert AuditEvent.objects.filter(verb="back_to_prepaid").count() == 1


def test_2_4_afterwards_calls_are_paid_from_credits_again(
    formosa: Organisation, mei: Line, pbx: Source, staff: User
) -> None:
    prepaid, _nce = make_twins()
    take(formosa, prepaid, mei)
    talk(pbx, "minutes", 60, at=MOVED - HOUR, to=TAIPEI)
    move(formosa, at=MOVED)
    back(formosa, staff, at=MOVED + DAY)
    talk(pbx, "in progress", 1, at=MOVED + DAY - timedelta(seconds=1))
    talk(pbx, "after", 1, at=MOVED + DAY + HOUR)
    talk(pbx, "minutes again", 60, at=MOVED + DAY + 2 * HOUR, to=TAIPEI)
    assert charge_of("in progress").postpaid_amount == 21_000
    assert charge_of("after").debt_amount == 21_000
    assert charge_of("minutes again").pool_seconds == 40 * 60
    assert MinutePool.objects.get().granted_seconds == 6000
    assert_proven()


def test_2_4_use_after_the_months_final_invoice_waits_for_the_next(
    formosa: Organisation, mei: Line, pbx: Source, staff: User
) -> None:
    move(formosa, at=MOVED)
    talk(pbx, "a", 1, at=MOVED + HOUR)
    back(formosa, staff, at=MOVED + DAY)
    move(formosa, at=MOVED + 2 * DAY)
    talk(pbx, "b", 1, at=MOVED + 2 * DAY + HOUR)
    with pytest.raises(UseNotBilled):
        back(formosa, staff, at=MOVED + 3 * DAY)
    formosa.refresh_from_db()
    assert not formosa.buys_credits
    june = datetime(2026, 6, 5, tzinfo=UTC)
    assert back(formosa, staff, at=june).buys_credits
    assert Invoice.objects.count() == 2
    assert_proven()


def test_2_4_debt_from_before_is_on_the_final_invoice(
    formosa: Organisation, mei: Line, pbx: Source, staff: User
) -> None:
    talk(pbx, "beyond", 1, at=MOVED - HOUR)
    move(formosa, at=MOVED)
    back(formosa, staff, at=MOVED + DAY)
    [invoice] = Invoice.objects.all()
    assert invoice.lines.get(kind=LineKind.DEBT).amount == 21_000
    assert Wallet.objects.get(pk=formosa.pk).debt == 0
    assert_proven()


def test_2_4_asks_for_a_reason(formosa: Organisation, staff: User) -> None:
    move(formosa, at=MOVED)
    with pytest.raises(ValidationError):
        back_to_prepaid(formosa, actor=staff, reason="short", at=MOVED + DAY)
    formosa.refresh_from_db()
    assert not formosa.buys_credits


def test_prepaid_organisation_stays_as_it_is(
    formosa: Organisation, staff: User
) -> None:
    plan, _nce = make_twins()
    subscribe(formosa, plan, 1, at=START)
    assert back(formosa, staff, at=MOVED).buys_credits
    assert not AuditEvent.objects.filter(verb="back_to_prepaid").exists()
