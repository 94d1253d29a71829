"""Debt moves to an invoice once, by an entry that names it (rules 2.3 and 10.1)."""

from datetime import timedelta

import pytest

from accounts.models import BillingMode, Organisation
from billing.invoicing.close_final import close_final
from calling.models import Line, Source
from credits.models import EntryKind, LedgerEntry, Wallet
from tests.billing.invoicing.closing import (
    APRIL,
    CLOSES,
    MARCH,
    NEXT,
    TENTH,
    billed,
    call,
    close,
    said,
)
from tests.calling import telephony

pytestmark = pytest.mark.django_db


@pytest.fixture
def indebted(formosa: Organisation, pbx: Source) -> Organisation:
    """Formosa called beyond its balance, and has moved to NCE since."""
    telephony.make_line(formosa, "+886223456789")
    call(pbx, "one", 5)
    moved_at = TENTH + timedelta(days=1)
    period = formosa.mode_periods.get()
    period.ends_at = moved_at
    period.save()
    formosa.billing_mode = BillingMode.NCE
    formosa.save()
    formosa.mode_periods.create(billing_mode=BillingMode.NCE, starts_at=moved_at)
    return formosa


def debt_of(organisation: Organisation) -> int:
    return Wallet.objects.get(pk=organisation.pk).debt


def test_debt_moves_once(indebted: Organisation) -> None:
    assert debt_of(indebted) == 105_000
    invoice = billed(close(indebted))
    assert said(invoice) == [("debt", 105_000)]
    assert debt_of(indebted) == 0
    entry = LedgerEntry.objects.get(kind=EntryKind.DEBT_INVOICED)
    assert (entry.amount, entry.reference) == (105_000, f"invoice:{invoice.pk}")
    assert close(indebted, APRIL, at=NEXT).invoice is None


def test_prepaid_keeps_its_debt(formosa: Organisation, pbx: Source) -> None:
    telephony.make_line(formosa, "+886223456789")
    call(pbx, "one", 5)
    assert close(formosa).invoice is None
    assert debt_of(formosa) == 105_000


def test_b67_a_debt_undone_after_its_invoice_comes_back(
    indebted: Organisation, pbx: Source
) -> None:
    """6.7: five minutes were invoiced and three were called; two come back."""
    close(indebted)
    call(pbx, "one", 3, told_at=CLOSES + timedelta(hours=1))
    invoice = billed(close(indebted, APRIL, at=NEXT))
    assert said(invoice) == [("debt", -42_000)]
    assert debt_of(indebted) == 0


def test_b24_the_final_invoice_bills_until_now(
    contoso: Organisation, desk: Line, pbx: Source
) -> None:
    """2.4: closes the running month early; what comes late is billed with the next."""
    call(pbx, "one", 5)
    at = TENTH + timedelta(days=3)
    final = close_final(contoso, actor=None, at=at)
    assert final is not None
    assert (said(final), final.month) == ([("usage", 105_000)], MARCH)
    assert close_final(contoso, actor=None, at=at) is None
    call(pbx, "two", 3, told_at=at + timedelta(hours=1))
    assert close(contoso).invoice == final
    assert said(billed(close(contoso, APRIL, at=NEXT))) == [("late_usage", 63_000)]
