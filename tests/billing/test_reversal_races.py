"""Refunds, calls, disputes and expiry at once (rule 3.10, museum B34, B49)."""

from datetime import timedelta

import pytest
from django.db import transaction

from accounts.models import Organisation
from billing.models import Dispute, Refund
from billing.refusals import MoreThanRefundable
from billing.reversing.dispute import note_dispute
from billing.reversing.refund import ask_refund
from credits.draw import LATE_USAGE
from credits.expire import expire_due_lots
from credits.models import LedgerEntry, Wallet
from credits.money import to_micros
from credits.spend import spend
from tests.billing.reversing import (
    REASON,
    assert_proven,
    lot_of,
    make_sale,
    seen_dispute,
)
from tests.billing.test_top_up_races import at_once
from tests.makers import START, make_organisation, make_user

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
AT = START + timedelta(days=3)


def spend_one(organisation: Organisation, n: int) -> None:
    spend(
        organisation,
        amount=to_micros("10"),
        reference=f"call:{n}#1",
        started_at=AT,
        at=AT,
    )


def test_b49_refunds_and_calls_at_once_never_take_the_same_credit() -> None:
    organisation = make_organisation()
    sale, staff = make_sale(organisation), make_user(is_staff=True)
    refused: list[Exception] = []

    def refund(n: int) -> None:
        try:
            with transaction.atomic():
                ask_refund(
                    sale,
                    to_micros("30"),
                    client_key=f"form:{n}",
                    reason=REASON,
                    actor=staff,
                    at=AT,
                )
        except MoreThanRefundable as refusal:
            refused.append(refusal)

    jobs = [lambda n=n: refund(n) for n in range(4)]
    jobs += [lambda n=n: spend_one(organisation, n) for n in range(4)]
    at_once(jobs)
    wallet = Wallet.objects.get()
    refunds = Refund.objects.count()
    assert refunds + len(refused) == 4
    assert wallet.ledger_balance == to_micros("100") - to_micros("10") * 4 - (
        to_micros("30") * refunds
    )
    assert wallet.debt <= to_micros("40")
    assert_proven(AT)


def test_the_same_refund_twice_at_once_is_one() -> None:
    sale, staff = make_sale(make_organisation()), make_user(is_staff=True)

    def refund() -> None:
        with transaction.atomic():
            ask_refund(
                sale,
                to_micros("30"),
                client_key="form:1",
                reason=REASON,
                actor=staff,
                at=AT,
            )

    at_once([refund] * 6)
    assert Refund.objects.count() == 1
    assert Wallet.objects.get().credit == to_micros("70")
    assert_proven(AT)


def test_b34_a_dispute_and_the_expiry_at_once_take_the_lot_once() -> None:
    sale = make_sale(make_organisation())
    at = lot_of(sale).expires_at + LATE_USAGE
    seen = seen_dispute(sale)
    at_once(
        [
            lambda: note_dispute(sale, seen, at=at),
            lambda: note_dispute(sale, seen, at=at),
            lambda: expire_due_lots(at),
            lambda: expire_due_lots(at),
        ]
    )
    expire_due_lots(at)
    assert Dispute.objects.count() == 1
    wallet = Wallet.objects.get()
    expired = -sum(entry.amount for entry in LedgerEntry.objects.filter(kind="expire"))
    assert (wallet.credit, wallet.debt) == (0, expired)
    assert expired in {0, to_micros("100")}
    assert_proven(at)
