"""A year of credit at Formosa, as an accountant would read it.

Bought in January, given in February, spent in March, below zero in April, paid in May,
and what is left expires a year on. The balance is asserted after every line, and the
provider's books at the end. Amounts are US dollars.
"""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from accounts.models import Organisation
from credits.expire import expire_due_lots
from credits.models import Account, EntryKind, LedgerEntry, Lot, LotKind
from credits.money import to_decimal, to_micros
from credits.prove import prove
from credits.reverse import reverse_event
from credits.spend import spend
from credits.statement import list_lots, read_balance
from credits.trial_balance import trial_balance
from tests.makers import make_lot


class Books:
    """Formosa's wallet with the words of this story."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def on(self, day: str) -> "Books":
        """Noon of that day in Taipei."""
        self.now = datetime.fromisoformat(f"{day}T04:00+00:00")
        return self

    def buys(self, amount: str) -> Lot:
        return self._gets(amount, LotKind.PURCHASE, None)

    def pays_by_bank(self, amount: str) -> Lot:
        return self._gets(amount, LotKind.STAFF_PAYMENT, None)

    def is_given(self, amount: str, *, months: int) -> Lot:
        return self._gets(amount, LotKind.PROMOTIONAL, months)

    def calls(self, name: str, amount: str) -> None:
        spend(
            self.organisation,
            amount=to_micros(amount),
            reference=f"call:{name}#1",
            started_at=self.now,
            at=self.now,
        )

    def is_not_charged_for(self, name: str) -> None:
        reverse_event(self.organisation.pk, f"call:{name}#1", at=self.now)

    def has(self, balance: str, *, left: str = "", owes: str = "0") -> None:
        """What the customer sees now: the balance, and each lot in burn order."""
        seen = read_balance(self.organisation.pk, self.now)
        assert to_decimal(seen.balance) == Decimal(balance)
        assert to_decimal(seen.debt) == Decimal(owes)
        lots = list_lots(self.organisation.pk, self.now)
        assert [to_decimal(lot.remaining) for lot in lots] == [
            Decimal(amount) for amount in left.split()
        ]
        proof = prove(self.organisation.pk, at=self.now)
        assert proof.breaches == []

    def _gets(self, amount: str, kind: LotKind, months: int | None) -> Lot:
        return make_lot(
            self.organisation, amount, kind=kind, at=self.now, months=months
        )


@pytest.fixture
def books(formosa: Organisation) -> Books:
    return Books(formosa)


def test_a_year_of_credit(books: Books) -> None:
    buys_is_given_and_spends(books)
    goes_below_zero_and_pays(books)
    lets_credit_expire(books)
    the_provider_closes_its_books(books)


def buys_is_given_and_spends(books: Books) -> None:
    books.has("0")

    # January: fifty dollars by card, valid through 15 January 2027.
    books.on("2026-01-15").buys("50")
    books.has("50", left="50")

    # February: a gift for a month. It expires first, so it will be spent first.
    books.on("2026-02-01").is_given("10", months=1)
    books.has("60", left="10 50")

    # A long call takes the whole gift and goes on with what was bought.
    books.on("2026-02-10").calls("osaka", "12.345678")
    books.has("47.654322", left="47.654322")

    # March: another gift, of which some is left when its last day, 1 April, is over.
    books.on("2026-03-01").is_given("5", months=1)
    books.has("52.654322", left="5 47.654322")
    books.on("2026-03-20").calls("seoul", "2.25")
    books.has("50.404322", left="2.75 47.654322")
    books.on("2026-04-01").has("50.404322", left="2.75 47.654322")
    books.on("2026-04-02").has("47.654322", left="47.654322")

    # The sweep writes down what the balance has long said.
    assert expire_due_lots(books.now) == 1
    books.has("47.654322", left="47.654322")
    assert expire_due_lots(books.on("2026-04-06").now) == 1
    books.has("47.654322", left="47.654322")


def goes_below_zero_and_pays(books: Books) -> None:
    # A conference that was in progress is charged in full; Formosa is below zero.
    books.on("2026-04-10").calls("conference", "60")
    books.has("-12.345678", owes="12.345678")
    books.on("2026-04-11").calls("urgent", "1.654322")
    books.has("-14", owes="14")

    # May: a bank transfer. What is owed is paid before anything can be spent.
    books.on("2026-05-05").pays_by_bank("100")
    books.has("86", left="86")

    # The urgent call was never answered: the payment gives back that part of it.
    books.on("2026-05-06").is_not_charged_for("urgent")
    books.has("87.654322", left="87.654322")

    # June to December: the daily business.
    books.on("2026-06-30").calls("june", "20.154322")
    books.has("67.5", left="67.5")
    books.on("2026-12-24").buys("50")
    books.has("117.5", left="67.5 50")


def lets_credit_expire(books: Books) -> None:
    # January 2027: the first purchase was used up, so nothing of it expires.
    books.on("2027-01-16").has("117.5", left="67.5 50")
    assert Lot.objects.earliest("pk").remaining == 0

    # 6 May 2027: the transfer's last day was the 5th.
    books.on("2027-05-05").calls("last", "0.5")
    books.has("117", left="67 50")
    books.on("2027-05-06").has("50", left="50")
    expire_due_lots(books.on("2027-05-10").now)
    books.has("50", left="50")
    expiry = LedgerEntry.objects.get(kind=EntryKind.EXPIRE, lot__kind="staff_payment")
    assert to_decimal(expiry.amount) == -67


def the_provider_closes_its_books(books: Books) -> None:
    """200 came in, and every cent of it has a place."""
    amounts = trial_balance(organisation_id=books.organisation.pk)
    assert {account: to_decimal(amount) for account, amount in amounts.items()} == {
        Account.CASH: Decimal(100),
        Account.BANK: Decimal(100),
        Account.LIABILITY: Decimal(-50),  # the purchase of December, unused
        Account.PROMOTIONAL: Decimal(0),  # both gifts are spent or expired
        Account.MARKETING: Decimal(0),
        Account.REVENUE: Decimal("-83"),  # paid calls: 2.345678 + 60 + 20.154322 + 0.5
        Account.BREAKAGE: Decimal(-67),
        Account.RECEIVABLE: Decimal(0),
        Account.CLEARING: Decimal(0),
    }
    assert sum(amounts.values()) == 0
