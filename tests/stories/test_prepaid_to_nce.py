"""From prepaid to NCE at Formosa, as its bookkeeper would read it (rule 2.3, rule 10).

Credit bought in May with auto-recharge on, calls before, during and after the move, and
across the end of the month; then two invoices, one charged to the card and one paid by
two bank transfers. Every balance is asserted after every line. Amounts are US dollars;
Mei's plan has 100 domestic minutes, Japan costs 0.021 a minute and Taiwan 0.02.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import Notice, NoticeKind, Organisation, User
from billing.collecting.collect_invoice import collect_invoice
from billing.collecting.issue_invoice import issue_drafts
from billing.collecting.pay_invoice import record_invoice_payment
from billing.convert.move_to_nce import move_to_nce
from billing.invoicing.close_due import close_due_months
from billing.models import Invoice, InvoicePaymentKind, InvoiceState, LineKind, TopUp
from billing.prove import prove as prove_billing
from billing.recharging.recharge import go_on_with_recharges, sweep_recharges
from calling.models import Line, MinutePool, Source
from calling.postpaid import read_spending
from calling.prove import prove as prove_calls
from calling.spending.tell_spending import tell_spending
from credits.models import Hold, LedgerEntry, LotKind, Wallet
from credits.money import to_decimal, to_micros
from credits.prove import prove as prove_credits
from tests import makers
from tests.billing.convert.moving import make_twins
from tests.billing.recharging import Recharger
from tests.calling.authorise.asking import ask
from tests.calling.plans import take
from tests.calling.telephony import charge_of, make_record, take_in

JAPAN, TAIWAN = "+81312345678", "+886212345678"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class Diary:
    """Formosa with the words of this story; times are Taipei's."""

    def __init__(self, recharger: Recharger, pbx: Source) -> None:
        self.recharger, self.pbx = recharger, pbx
        self.organisation: Organisation = recharger.organisation
        self.now = recharger.now

    def on(self, moment: str) -> "Diary":
        """`05-20 12:00` there."""
        there = datetime.fromisoformat(f"2026-{moment.replace(' ', 'T')}:00+08:00")
        self.now = self.recharger.now = there.astimezone(UTC)
        return self

    def calls(self, name: str, callee: str, minutes: int) -> None:
        """A call that begins now and whose record comes when it ends."""
        self.is_told(name, callee, minutes, began=self.now)

    def is_told(
        self,
        name: str,
        callee: str,
        minutes: int,
        *,
        began: datetime,
        call_id: str = "",
    ) -> None:
        record = make_record(
            name, callee=callee, seconds=60 * minutes, at=began, call_id=call_id
        )
        take_in(self.pbx, record, at=max(self.now, began + minutes * MINUTE))

    def the_jobs_run(self) -> None:
        """Those that might sell credit, and those that watch the month."""
        sweep_recharges(self.now)
        go_on_with_recharges(self.now)
        tell_spending(self.now)

    def has(
        self,
        balance: str,
        *,
        after_use: str = "0",
        debt: str = "0",
        held: str = "0",
        minutes: int | None = None,
    ) -> None:
        """The wallet, what the month bills after use, and the minutes that are left."""
        wallet = Wallet.objects.get(pk=self.organisation.pk)
        assert to_decimal(wallet.ledger_balance) == Decimal(balance)
        assert to_decimal(wallet.debt) == Decimal(debt)
        assert to_decimal(wallet.reserved) == Decimal(held)
        today = self.organisation.local_day(self.now)
        spent = read_spending(self.organisation, today=today).spent
        assert to_decimal(spent) == Decimal(after_use)
        if minutes is not None:
            pool = MinutePool.objects.get(period_start=today.replace(day=1))
            assert pool.remaining_seconds == 60 * minutes
        self.is_proven()

    def is_proven(self) -> None:
        assert prove_credits(at=self.now).breaches == []
        assert prove_calls(at=self.now).breaches == []
        assert prove_billing(at=self.now).breaches == []


@pytest.fixture
def diary(
    recharger: Recharger, card: object, mei: Line, pbx: Source
) -> Iterator[Diary]:
    story = Diary(recharger, pbx)
    prepaid, _nce = make_twins(nce_price="12")
    assert close_due_months(story.on("05-04 00:00").now) == 1  # April, without a bill
    story.on("05-10 12:00")
    take(story.organisation, prepaid, mei, at=story.now)
    makers.make_lot(story.organisation, "25", kind=LotKind.PURCHASE, at=story.now)
    row = recharger.switch_on()
    row.payment_method.is_default = True
    row.payment_method.save()
    yield story
    story.is_proven()


def lines_of(invoice: Invoice) -> list[tuple[str, str]]:
    """What it bills, line by line, exactly."""
    return [
        (line.kind, f"{to_decimal(line.amount):.6f}".rstrip("0").rstrip("."))
        for line in invoice.lines.order_by("position")
    ]


def test_from_prepaid_to_nce(diary: Diary, alice: User) -> None:
    diary.has("25")
    before(diary)
    the_move(diary, alice)
    after(diary)
    a_late_call(diary)
    over_the_months_end(diary)
    may = may_is_closed(diary)
    the_card_pays(diary, may)
    june = june_is_closed(diary)
    two_transfers_pay(diary, june, alice)
    assert TopUp.objects.filter(state="paid").count() == 2
    diary.has("0")


def before(diary: Diary) -> None:
    """Before: the plan pays first, then credit; below the trigger it recharges."""
    diary.on("05-12 10:00").calls("to Taipei", TAIWAN, 60)
    diary.has("25", minutes=40)
    diary.on("05-12 14:00").calls("to Tokyo", JAPAN, 300)
    diary.has("18.7", minutes=40)
    diary.the_jobs_run()
    diary.has("118.7")
    assert TopUp.objects.filter(state="paid", kind="recharge").count() == 1


def the_move(diary: Diary, owner: User) -> None:
    """During: a call is in progress when the owner moves the organisation."""
    diary.on("05-20 11:50")
    answer = ask(diary.pbx, JAPAN, at=diary.now, call_id="live")
    held = Hold.objects.get(call_key="pbx:live")
    assert answer.body["decision"] == "allow"
    diary.on("05-20 12:00")
    move_to_nce(
        diary.organisation,
        actor=owner,
        reason="We want one invoice a month.",
        spending_limit=to_micros("10"),
        at=diary.now,
    )
    diary.has("118.7", held=str(to_decimal(held.amount)), minutes=40)
    began = diary.now - 10 * MINUTE
    diary.on("05-20 12:10")
    diary.is_told("live", JAPAN, 20, began=began, call_id="live")
    assert charge_of("live").credit_amount == to_micros("0.42")
    diary.has("118.28", minutes=40)


def after(diary: Diary) -> None:
    """After: minutes that were used stay used; leftover credit is spent before anything
    is billed after use, and nothing recharges it.
    """
    diary.on("05-28 09:00").calls("to Taipei again", TAIWAN, 50)
    diary.has("118.08", minutes=0)
    for name in "abcdef":
        diary.on("05-29 09:00").calls(f"a long day, {name}", JAPAN, 1000)
    diary.has("0", after_use="7.92", minutes=0)
    diary.on("05-30 09:00").the_jobs_run()
    assert TopUp.objects.filter(kind="recharge").count() == 1
    near = Notice.objects.filter(kind=NoticeKind.SPENDING_LIMIT_NEAR)
    assert {one.context["percent"] for one in near} == {50}
    diary.has("0", after_use="7.92")


def a_late_call(diary: Diary) -> None:
    """A call of before the move is told late: prepaid, so its cost becomes debt."""
    late = diary.now - 11 * DAY
    diary.is_told("forgotten", JAPAN, 10, began=late)
    diary.has("-0.21", debt="0.21", after_use="7.92")


def over_the_months_end(diary: Diary) -> None:
    """Across the end of the month: a call belongs to the day on which it began."""
    diary.on("05-31 23:50").calls("over midnight", JAPAN, 20)
    diary.has("-0.21", debt="0.21", after_use="8.34")
    diary.on("06-02 09:00").calls("in June", JAPAN, 100)
    diary.has("-0.21", debt="0.21", after_use="2.1")
    assert close_due_months(diary.now) == 0


def may_is_closed(diary: Diary) -> Invoice:
    """72 hours after the month's end it is closed, once, and the debt goes with it."""
    diary.on("06-04 00:00")
    assert close_due_months(diary.now) == 1
    assert close_due_months(diary.now) == 0
    diary.has("0", after_use="2.1")
    assert LedgerEntry.objects.filter(kind="debt_invoiced").count() == 1
    assert issue_drafts(diary.now) == 1
    [may] = Invoice.objects.all()
    assert lines_of(may) == [
        (LineKind.LICENCE, "12"),
        (LineKind.LICENCE_CHANGE, "8.516129"),
        (LineKind.USAGE, "8.34"),
        (LineKind.DEBT, "0.21"),
    ]
    assert (may.number, may.total_minor) == ("INV-2026-0001", 2907)
    assert sum(line.minor for line in may.lines.all()) == 2907
    assert may.state == InvoiceState.ISSUED
    return may


def the_card_pays(diary: Diary, may: Invoice) -> None:
    """The card that auto-recharge was charged to pays it."""
    may = collect_invoice(may.pk, at=diary.now)
    assert (may.state, may.owed_minor) == (InvoiceState.PAID, 0)
    diary.has("0", after_use="2.1")


def june_is_closed(diary: Diary) -> Invoice:
    """A call of May that is told in June is billed with June, and says so."""
    diary.on("06-06 09:00")
    diary.is_told("of May", JAPAN, 10, began=diary.now - 10 * DAY)
    diary.has("0", after_use="2.1")
    diary.on("07-04 00:00")
    assert close_due_months(diary.now) == 1
    assert issue_drafts(diary.now) == 1
    june = Invoice.objects.get(number="INV-2026-0002")
    assert lines_of(june) == [
        (LineKind.LICENCE, "12"),
        (LineKind.USAGE, "2.1"),
        (LineKind.LATE_USAGE, "0.21"),
    ]
    assert june.lines.get(kind=LineKind.LATE_USAGE).facts["month"] == "2026-05"
    assert june.total_minor == 1431
    return june


def two_transfers_pay(diary: Diary, june: Invoice, staff: User) -> None:
    """Two bank transfers pay it; nothing is left open and nothing was bought."""
    for amount, reference in ((1000, "HSBC-1"), (431, "HSBC-2")):
        record_invoice_payment(
            june,
            kind=InvoicePaymentKind.TRANSFER,
            amount_minor=amount,
            reference=reference,
            actor=staff,
            at=diary.now,
        )
    june.refresh_from_db()
    assert (june.state, june.paid_minor) == (InvoiceState.PAID, 1431)
