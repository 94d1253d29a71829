"""Moving to NCE: what ends, what stays, and who pays for which call (rule 2.3)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError

from accounts.models import (
    AuditEvent,
    BillingMode,
    BillingModePeriod,
    Notice,
    NoticeKind,
    Organisation,
    User,
)
from billing.close_organisation import close_organisation
from billing.models import (
    AutoRecharge,
    Consent,
    RechargeAttempt,
    RechargeCause,
    TopUp,
)
from billing.prove import prove
from billing.recharging.claim_recharges import claim_one
from billing.refusals import OrganisationClosed
from calling.cancel import cancel_subscription
from calling.models import Licence, Line, MinutePool, Source, SpendingLimit, UsageDay
from calling.refusals import NoTwinPlan
from calling.subscribe import subscribe
from credits.models import LedgerEntry, Wallet
from credits.money import to_micros
from tests import makers
from tests.billing.convert.moving import REASON, assert_proven, make_twins, move
from tests.billing.recharging import make_card, switch_on
from tests.calling.plans import make_plan, take
from tests.calling.telephony import (
    charge_of,
    give_credit,
    make_line,
    make_record,
    take_in,
)
from tests.makers import START

pytestmark = pytest.mark.usefixtures("card")

MOVED = datetime(2026, 5, 16, 4, tzinfo=UTC)  # noon in Taipei, on the 16th of 31 days
HOUR = timedelta(hours=1)
TAIPEI, TOKYO = "+886212345678", "+81312345678"  # 0.02 and 0.021 a minute


def talk(
    pbx: Source, name: str, minutes: int, *, at: datetime, to: str = TOKYO
) -> None:
    record = make_record(name, callee=to, seconds=60 * minutes, at=at)
    take_in(pbx, record, at=max(at, MOVED) + 3 * HOUR)


# --- the deed -------------------------------------------------------------------------


def test_2_3_the_move_is_one_deed_with_trail_and_message(
    formosa: Organisation, alice: User
) -> None:
    give_credit(formosa, "7", at=START)
    moved = move(formosa, at=MOVED)
    assert moved.mode == BillingMode.NCE
    periods = BillingModePeriod.objects.filter(organisation=formosa)
    assert list(periods.values_list("billing_mode", "starts_at", "ends_at")) == [
        ("PREPAID", START, MOVED),
        ("NCE", MOVED, None),
    ]
    event = AuditEvent.objects.get(verb="move_to_nce")
    assert (event.actor, event.reason, event.at) == (alice, REASON, MOVED)
    assert event.after is not None
    assert (event.after["billing_mode"], event.after["balance"]) == ("NCE", "7.000000")
    told = Notice.objects.filter(kind=NoticeKind.MOVED_TO_NCE)
    # June begins in Taipei on the 31st at 16:00; invoices are made 72 hours later.
    assert {one.recipient for one in told} == {alice.email, formosa.billing_email}
    assert told[0].context["first_invoice_on"] == "2026-06-04"
    assert told[0].context["credit"] == 7_000_000
    assert_proven()


def test_2_3_moved_twice_is_moved_once(formosa: Organisation) -> None:
    take(formosa, make_twins()[0], quantity=1)
    for hours in range(3):
        move(formosa, at=MOVED + hours * HOUR)
    assert BillingModePeriod.objects.filter(organisation=formosa).count() == 2
    assert AuditEvent.objects.filter(verb="move_to_nce").count() == 1
    assert Notice.objects.filter(kind=NoticeKind.MOVED_TO_NCE).count() == 2


def test_closed_organisation_does_not_move(formosa: Organisation, alice: User) -> None:
    close_organisation(formosa, actor=alice, at=START + HOUR)
    with pytest.raises(OrganisationClosed):
        move(formosa, at=MOVED)
    formosa.refresh_from_db()
    assert formosa.buys_credits


def test_move_begins_after_whatever_was_begun_while_it_waited(
    formosa: Organisation, mei: Line, pbx: Source
) -> None:
    """Its moment is that of the click; the wallet was waited for meanwhile."""
    prepaid, _nce = make_twins()
    take(formosa, prepaid, mei, at=MOVED + timedelta(seconds=2))
    give_credit(formosa, "0.01", at=START)
    talk(pbx, "meanwhile", 1, at=MOVED + timedelta(seconds=20))
    move(formosa, at=MOVED)
    began = formosa.mode_periods.get(ends_at=None).starts_at
    assert MOVED + timedelta(seconds=20) < began < MOVED + timedelta(seconds=21)
    assert charge_of("meanwhile").debt_amount == 11_000
    assert_proven()


# --- what sells credit ----------------------------------------------------------------


def test_2_3_auto_recharge_is_gone_and_what_was_agreed_to_is_kept(
    formosa: Organisation, alice: User
) -> None:
    makers.make_terms("USD")
    switch_on(formosa, make_card(formosa, at=START), at=START, only_when_used=False)
    claimed = claim_one(formosa.pk, cause=RechargeCause.SWEEP, at=START)
    move(formosa, at=MOVED)
    assert not AutoRecharge.objects.exists()
    assert Consent.objects.count() == 1
    attempt = RechargeAttempt.objects.get()
    assert attempt.pk == claimed
    assert (attempt.state, attempt.top_up.failure_code) == ("cancelled", "moved_to_nce")
    assert attempt.ended_at == MOVED
    assert Wallet.objects.filter(trigger=None, recharge_wanted=False).exists()
    off = AuditEvent.objects.get(verb="switch_off_auto_recharge")
    assert (off.actor, off.reason) == (alice, REASON)
    assert TopUp.objects.get().state == "abandoned"
    assert_proven()


# --- plans ----------------------------------------------------------------------------


def test_2_3_plans_become_their_twins_and_lines_keep_their_licences(
    formosa: Organisation, mei: Line
) -> None:
    prepaid, nce = make_twins()
    lin = make_line(formosa, identity="lin")
    old = take(formosa, prepaid, mei, lin, quantity=3)
    move(formosa, at=MOVED)
    old.refresh_from_db()
    assert old.ends_at == MOVED
    new = formosa.subscriptions.get(ends_at=None)
    assert (new.plan, new.quantity, new.starts_at) == (nce, 3, MOVED)
    assert new.billing_mode == "NCE"
    held = Licence.objects.filter(released_at=None).order_by("line__identity")
    assert [(one.line, one.subscription) for one in held] == [(lin, new), (mei, new)]
    assert set(old.licence_rows.values_list("released_at", flat=True)) == {MOVED}


def test_2_3_used_minutes_carry_over_and_no_minute_is_granted_twice(
    formosa: Organisation, mei: Line, pbx: Source
) -> None:
    prepaid, _nce = make_twins()
    take(formosa, prepaid, mei)
    talk(pbx, "before", 30, at=MOVED - HOUR, to=TAIPEI)
    move(formosa, at=MOVED)
    talk(pbx, "after", 80, at=MOVED + HOUR, to=TAIPEI)
    pool = MinutePool.objects.get()
    assert (pool.granted_seconds, pool.remaining_seconds) == (6000, 0)
    after = charge_of("after")
    assert (after.pool_seconds, after.postpaid_seconds) == (70 * 60, 10 * 60)
    assert after.postpaid_amount == 200_000
    june = datetime(2026, 6, 10, 4, tzinfo=UTC)
    talk(pbx, "june", 1, at=june, to=TAIPEI)
    assert MinutePool.objects.latest("pk").granted_seconds == 6000
    assert_proven()


def test_subscription_that_was_cancelled_ends_when_it_would_have(
    formosa: Organisation, mei: Line
) -> None:
    prepaid, nce = make_twins()
    old = cancel_subscription(take(formosa, prepaid, mei), at=MOVED - HOUR)
    ends_at = old.ends_at
    move(formosa, at=MOVED)
    assert formosa.subscriptions.get(plan=nce).ends_at == ends_at


def test_plan_without_a_twin_is_named_and_nothing_has_moved(
    formosa: Organisation, mei: Line
) -> None:
    prepaid, _nce = make_twins()
    take(formosa, prepaid, mei)
    lonely = make_plan("pay-as-you-go")
    subscribe(formosa, lonely, 1, at=START)
    with pytest.raises(NoTwinPlan) as refused:
        move(formosa, at=MOVED)
    assert lonely.name in str(refused.value)
    formosa.refresh_from_db()
    assert formosa.buys_credits
    assert formosa.subscriptions.filter(ends_at=None).count() == 2
    assert formosa.mode_periods.count() == 1


def test_another_version_of_the_twin_is_none(formosa: Organisation, mei: Line) -> None:
    """Its minutes may be others; a change never alters a running period (1.5)."""
    prepaid, nce = make_twins()
    take(formosa, prepaid, mei)
    type(nce).objects.filter(pk=nce.pk).update(slug="old", is_active=False)
    move(formosa, at=MOVED)  # a version that is not sold any more is still the twin
    assert formosa.subscriptions.get(ends_at=None).plan == nce


# --- who pays -------------------------------------------------------------------------


def test_2_3_leftover_credits_first_and_only_then_after_use(
    formosa: Organisation, mei: Line, pbx: Source
) -> None:
    give_credit(formosa, "0.03", at=START)
    move(formosa, at=MOVED)
    talk(pbx, "credit", 1, at=MOVED + HOUR)
    talk(pbx, "both", 2, at=MOVED + 2 * HOUR)
    talk(pbx, "after", 1, at=MOVED + 3 * HOUR)
    parts = [
        (charge.credit_amount, charge.postpaid_amount, charge.debt_amount)
        for charge in map(charge_of, ("credit", "both", "after"))
    ]
    assert parts == [(21_000, 0, 0), (9_000, 33_000, 0), (0, 21_000, 0)]
    wallet = Wallet.objects.get(pk=formosa.pk)
    assert (wallet.credit, wallet.debt) == (0, 0)
    assert UsageDay.objects.get().postpaid_amount == 54_000
    assert_proven()


def test_2_3_a_call_in_progress_settles_as_prepaid_however_late(
    formosa: Organisation, mei: Line, pbx: Source
) -> None:
    give_credit(formosa, "0.03", at=START)
    move(formosa, at=MOVED)
    talk(pbx, "in progress", 10, at=MOVED - timedelta(minutes=1))
    charge = charge_of("in progress")
    assert (charge.credit_amount, charge.postpaid_amount) == (30_000, 0)
    assert charge.debt_amount == 180_000
    assert UsageDay.objects.get().postpaid_amount == 0
    assert_proven()


def test_2_3_lots_that_expire_after_the_move_leave_the_rest_to_the_invoice(
    formosa: Organisation, mei: Line, pbx: Source
) -> None:
    makers.make_lot(formosa, "50", at=START, expires_at=MOVED + HOUR)
    move(formosa, at=MOVED)
    talk(pbx, "just before", 1, at=MOVED + HOUR - timedelta(seconds=1))
    talk(pbx, "just after", 1, at=MOVED + HOUR)
    assert charge_of("just before").credit_amount == 21_000
    assert charge_of("just after").postpaid_amount == 21_000


def test_correction_across_the_move_is_judged_by_the_calls_own_start(
    formosa: Organisation, mei: Line, pbx: Source
) -> None:
    give_credit(formosa, "0.021", at=START)
    talk(pbx, "a", 1, at=MOVED - HOUR)
    move(formosa, at=MOVED)
    talk(pbx, "b", 3, at=MOVED + HOUR)
    assert UsageDay.objects.get().postpaid_amount == 63_000
    talk(pbx, "b", 1, at=MOVED + HOUR)
    assert UsageDay.objects.get().postpaid_amount == 21_000
    talk(pbx, "a", 2, at=MOVED - HOUR)
    assert charge_of("a").debt_amount == 21_000
    assert LedgerEntry.objects.filter(kind="debt").count() == 1
    assert_proven()


# --- a limit along with it ------------------------------------------------------------


def test_spending_limit_begins_with_the_move(formosa: Organisation) -> None:
    move(formosa, at=MOVED, spending_limit=to_micros("200"))
    limit = SpendingLimit.objects.get(organisation=formosa)
    assert (limit.amount, limit.is_hard) == (200_000_000, True)


@pytest.mark.parametrize("amount", [0, -5, 5_000])
def test_limit_that_is_none_refuses_the_whole_move(
    formosa: Organisation, amount: int
) -> None:
    with pytest.raises(ValidationError):
        move(formosa, at=MOVED, spending_limit=amount)
    formosa.refresh_from_db()
    assert formosa.buys_credits
    assert not SpendingLimit.objects.exists()


def test_mode_without_its_period_is_found(formosa: Organisation) -> None:
    Organisation.objects.filter(pk=formosa.pk).update(billing_mode="NCE")
    [breach] = prove(at=MOVED).breaches
    assert breach.endswith("is NCE, and its period says PREPAID (23)")
