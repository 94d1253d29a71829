"""What was wrong on an invoice is taken back by a credit note (rule 10.2)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from accounts.models import Organisation, ProviderSettings, User
from accounts.models.provider import TaxPolicy
from billing.collecting.issue_invoice import issue_invoice
from billing.invoicing.credit_invoice import credit_invoice, creditable_lines
from billing.invoicing.give_goodwill import give_goodwill
from billing.invoicing.refusals import (
    LineNotCreditable,
    MoreThanTheInvoice,
    NotADraft,
    NothingToCredit,
)
from billing.models import Invoice, InvoiceKind, InvoiceState, TaxRate
from calling.models import Line, Source
from credits.money import to_micros
from tests import makers
from tests.billing.invoicing.closing import CLOSES, billed, call, close, lines_of, said

pytestmark = pytest.mark.django_db
WHY = "Billed by mistake."
AT = CLOSES + timedelta(days=1)


@pytest.fixture
def clerk(db: None) -> User:
    return makers.make_user("clerk@tollgate.example", is_staff=True)


@pytest.fixture
def vat(db: None) -> None:
    ProviderSettings.objects.update_or_create(
        pk=1, defaults={"tax_policy": TaxPolicy.BY_COUNTRY}
    )
    TaxRate.objects.create(
        country="TW", name="VAT", percent=Decimal("5"), valid_from=date(2026, 1, 1)
    )


@pytest.fixture
def draft(vat: None, contoso: Organisation, desk: Line, pbx: Source) -> Invoice:
    """Calls of 0.105 and of 0.012345 dollars, and 5 % of tax."""
    call(pbx, "one", 5)
    call(pbx, "two", 1, callee="+442012345678")
    return billed(close(contoso))


@pytest.fixture
def issued(draft: Invoice) -> Invoice:
    return issue_invoice(draft, at=CLOSES)


def test_tax_is_a_line_of_its_own(draft: Invoice) -> None:
    """10.4: 5 % of 0.117345; 10.3: twelve cents in all, shared out by remainder."""
    lines = lines_of(draft)
    assert said(draft) == [("usage", 12_345), ("usage", 105_000), ("tax", 5_867)]
    assert [line.minor for line in lines] == [1, 10, 1]
    assert {line.tax_percent for line in lines} == {Decimal(5)}
    assert lines[2].facts == {"name": "VAT", "basis": 117_345}
    assert (draft.total_minor, draft.tax_minor) == (12, 1)


def test_everything_is_the_total_with_the_other_sign(
    issued: Invoice, clerk: User
) -> None:
    note = credit_invoice(issued, actor=clerk, reason=WHY, at=AT)
    assert (note.total_minor, note.tax_minor) == (-12, -1)
    assert (note.number, note.state) == ("CN-2026-0001", InvoiceState.ISSUED)
    assert said(note) == [("usage", -12_345), ("usage", -105_000), ("tax", -5_867)]
    issued.refresh_from_db()
    assert (issued.credited_minor, issued.owed_minor) == (12, 0)
    assert issued.state == InvoiceState.PAID
    with pytest.raises(NothingToCredit):
        credit_invoice(issued, actor=clerk, reason=WHY, at=AT)


def test_line_by_line_comes_to_the_same(issued: Invoice, clerk: User) -> None:
    """Each line once; the tax goes along, and all of it with the last."""
    first, second = creditable_lines(issued)
    credit_invoice(issued, lines=[second], actor=clerk, reason=WHY, at=AT)
    issued.refresh_from_db()
    assert (issued.credited_minor, issued.state) == (10, InvoiceState.ISSUED)
    with pytest.raises(LineNotCreditable):
        credit_invoice(issued, lines=[second], actor=clerk, reason=WHY, at=AT)
    credit_invoice(issued, lines=[first], actor=clerk, reason=WHY, at=AT)
    issued.refresh_from_db()
    assert (issued.credited_minor, issued.state) == (12, InvoiceState.PAID)


def test_tax_alone_and_others_lines_are_refused(issued: Invoice, clerk: User) -> None:
    tax = lines_of(issued)[2]
    with pytest.raises(LineNotCreditable):
        credit_invoice(issued, lines=[tax], actor=clerk, reason=WHY, at=AT)
    with pytest.raises(LineNotCreditable):
        credit_invoice(issued, lines=[], actor=clerk, reason=WHY, at=AT)
    assert Invoice.objects.filter(kind=InvoiceKind.CREDIT_NOTE).count() == 0


def test_a_draft_is_not_credited_and_a_reason_is_asked(
    draft: Invoice, clerk: User
) -> None:
    with pytest.raises(NothingToCredit):
        credit_invoice(draft, actor=clerk, reason=WHY, at=AT)
    issued = issue_invoice(draft, at=CLOSES)
    with pytest.raises(ValidationError):
        credit_invoice(issued, actor=clerk, reason="oops", at=AT)


def test_b21_goodwill_is_a_negative_line(draft: Invoice, clerk: User) -> None:
    """2.1: goodwill to an NCE organisation lowers the invoice, before the tax."""
    give_goodwill(draft, to_micros("0.05"), actor=clerk, reason=WHY, at=AT)
    draft.refresh_from_db()
    assert said(draft)[2:] == [("goodwill", -50_000), ("tax", 3_367)]
    assert (draft.total_minor, draft.tax_minor) == (7, 0)
    assert sum(line.minor for line in lines_of(draft)) == 7
    issued = issue_invoice(draft, at=CLOSES)
    goodwill = lines_of(issued)[2]
    with pytest.raises(LineNotCreditable):  # it would ask for more
        credit_invoice(issued, lines=[goodwill], actor=clerk, reason=WHY, at=AT)
    note = credit_invoice(issued, actor=clerk, reason=WHY, at=AT)
    assert note.total_minor == -7


def test_goodwill_goes_down_to_nothing(draft: Invoice, clerk: User) -> None:
    for amount in (0, -1, 117_346):
        with pytest.raises(MoreThanTheInvoice):
            give_goodwill(draft, amount, actor=clerk, reason=WHY, at=AT)
    give_goodwill(draft, 117_345, actor=clerk, reason=WHY, at=AT)
    draft.refresh_from_db()
    assert draft.total_minor == 0
    issued = issue_invoice(draft, at=CLOSES)
    with pytest.raises(NotADraft):
        give_goodwill(issued, 1, actor=clerk, reason=WHY, at=AT)
