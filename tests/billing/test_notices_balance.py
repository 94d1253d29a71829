"""Low, zero and below zero: each told once per episode, and again once it cleared."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import (
    BalanceAlert,
    BillingMode,
    Bookmark,
    Notice,
    NoticeEpisode,
    NoticeKind,
    Organisation,
    User,
    WebhookEvent,
)
from accounts.send import send_due_notices
from accounts.webhook_endpoint import create_endpoint
from billing.telling.balance_alert import low_threshold, set_low_threshold
from billing.telling.watch_balances import watch_balances
from credits.money import to_micros
from credits.prove import prove
from credits.spend import spend
from tests import makers
from tests.makers import START

LOW, ZERO = NoticeKind.LOW_BALANCE, NoticeKind.BALANCE_ZERO
BELOW = NoticeKind.BALANCE_BELOW_ZERO
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def proven(formosa: Organisation) -> Iterator[None]:
    """The smallest purchase is US$50.00, so US$10.00 is low; no test loses a cent."""
    makers.make_terms("USD")
    yield
    assert prove(formosa.pk, at=START + timedelta(days=31)).breaches == []


class Wallet:
    """Spends and adds, looks, and says which kinds became due."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        self.at = START
        self.calls = 0

    def spend(self, amount: str) -> list[NoticeKind]:
        self.calls += 1
        self.at += MINUTE
        spend(
            self.organisation,
            amount=to_micros(amount),
            reference=f"call:{self.calls}#1",
            started_at=self.at,
            at=self.at,
        )
        return self.look()

    def add(self, amount: str) -> list[NoticeKind]:
        self.at += MINUTE
        makers.make_lot(self.organisation, amount, at=self.at)
        return self.look()

    def look(self, at: datetime | None = None) -> list[NoticeKind]:
        self.at = at or self.at
        seen = set(Notice.objects.values_list("pk", flat=True))
        watch_balances(self.at)
        new = Notice.objects.exclude(pk__in=seen).order_by("pk")
        kinds = [NoticeKind(kind) for kind in new.values_list("kind", flat=True)]
        return list(dict.fromkeys(kinds))


@pytest.fixture
def wallet(formosa: Organisation) -> Wallet:
    return Wallet(formosa)


def test_a_balance_is_low_once_until_it_has_cleared_by_ten_per_cent(
    wallet: Wallet,
) -> None:
    assert wallet.add("20") == []
    assert wallet.spend("10") == []  # at the threshold is not below it
    assert wallet.spend("0.01") == [LOW]
    assert wallet.spend("1") == []
    assert wallet.add("1.99") == []  # 10.98: back, but not by a tenth
    assert wallet.spend("2") == []
    assert wallet.add("2.02") == []  # 11.00: cleared
    assert wallet.spend("2") == [LOW]


def test_zero_and_below_zero_are_told_when_they_happen_and_not_low_as_well(
    wallet: Wallet,
) -> None:
    assert wallet.add("20") == []
    assert wallet.spend("23.18") == [ZERO, BELOW]
    assert wallet.spend("1") == []
    assert wallet.add("4.50") == []  # 0.32: no debt, but not back by a tenth
    assert wallet.spend("0.32") == []
    assert wallet.add("1") == []
    assert wallet.spend("1") == [ZERO]


def test_low_first_and_zero_later_are_two_messages(wallet: Wallet) -> None:
    wallet.add("20")
    assert wallet.spend("15") == [LOW]
    assert wallet.spend("5") == [ZERO]


def test_the_mail_names_the_minute_and_what_still_works(wallet: Wallet) -> None:
    wallet.add("20")
    wallet.spend("20")
    assert wallet.at == START + 2 * MINUTE
    send_due_notices(wallet.at)
    text = str(mail.outbox[0].body)
    assert mail.outbox[0].subject == "Paid calls stopped"
    assert "was used up on 1 January 2026 at 08:02" in text
    assert "Calls within your calling plans and emergency calls still work." in text


def test_a_balance_that_expires_is_used_up_when_its_last_day_ends(
    formosa: Organisation, wallet: Wallet
) -> None:
    ends = START + timedelta(days=30)
    makers.make_lot(formosa, "20", at=START, expires_at=ends)
    wallet.look()
    assert wallet.look(ends - MINUTE) == []
    assert wallet.look(ends) == [ZERO]
    facts = Notice.objects.filter(kind=ZERO)[0].context
    assert facts["stopped_at"] == ends.isoformat()


def test_an_own_threshold_is_what_counts(
    formosa: Organisation, alice: User, wallet: Wallet
) -> None:
    assert low_threshold(formosa) == to_micros("10")
    set_low_threshold(formosa, to_micros("100"), actor=alice, at=START)
    assert wallet.add("99") == [LOW]
    facts = Notice.objects.get(kind=LOW).context
    assert facts["threshold"] == 100_000_000
    assert facts["available"] == 99_000_000
    assert facts["days_left"] == 0


def test_a_threshold_of_zero_asks_to_hear_of_zero_only(
    formosa: Organisation, alice: User, wallet: Wallet
) -> None:
    set_low_threshold(formosa, 0, actor=alice, at=START)
    wallet.add("20")
    assert wallet.spend("19.99") == []
    assert wallet.spend("0.01") == [ZERO]


def test_what_comes_back_is_an_event(
    formosa: Organisation, alice: User, wallet: Wallet
) -> None:
    create_endpoint(
        formosa, "https://hooks.formosa.example/", [], actor=alice, at=START
    )
    wallet.add("20")
    wallet.spend("20")
    wallet.add("50")
    types = list(WebhookEvent.objects.order_by("pk").values_list("type", flat=True))
    assert types == ["credits.balance_zero", "credits.balance_restored"]
    restored = WebhookEvent.objects.get(type="credits.balance_restored")
    assert restored.data["available"] == {"amount": "50.000000", "currency": "USD"}


def test_whoever_pays_after_use_is_told_of_no_balance(
    formosa: Organisation, wallet: Wallet
) -> None:
    wallet.add("20")
    Organisation.objects.update(billing_mode=BillingMode.NCE)
    assert wallet.spend("20") == []


def test_moving_to_post_paid_ends_what_was_open(
    formosa: Organisation, wallet: Wallet
) -> None:
    wallet.add("20")
    wallet.spend("20")
    Organisation.objects.update(billing_mode=BillingMode.NCE)
    wallet.look()
    assert not NoticeEpisode.objects.filter(closed_at=None).exists()


def test_only_wallets_that_moved_are_looked_at(
    formosa: Organisation, contoso: Organisation, wallet: Wallet
) -> None:
    wallet.add("20")
    later = wallet.at + timedelta(minutes=5)
    watch_balances(later)
    assert Bookmark.objects.get().position > 0
    BalanceAlert.objects.create(
        organisation=formosa, threshold=100_000_000, changed_at=later
    )
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert watch_balances(later + MINUTE) == 0
    assert not [one for one in asked.captured_queries if "credits_wallet" in one["sql"]]
    assert wallet.spend("1") == [LOW]


def test_an_entry_that_was_still_being_written_is_not_passed_over(
    wallet: Wallet,
) -> None:
    """Numbers are given out before they can be seen; the bookmark stays behind."""
    wallet.add("20")
    watch_balances(wallet.at + MINUTE)
    assert Bookmark.objects.get().position == 0
    watch_balances(wallet.at + 2 * MINUTE)
    assert Bookmark.objects.get().position > 0


def test_two_sweeps_tell_once(wallet: Wallet) -> None:
    wallet.add("20")
    wallet.spend("20")
    watch_balances(wallet.at)
    assert Notice.objects.filter(kind=ZERO).count() == 2  # owner and billing address
    assert NoticeEpisode.objects.filter(kind=ZERO).count() == 1
