"""Random invoices of every currency: a credit note takes back what was billed."""

import random
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from accounts.models import BillingMode, User
from billing.collecting.issue_invoice import issue_invoice
from billing.invoicing.credit_invoice import credit_invoice, creditable_lines
from billing.invoicing.draft import DraftLine, with_tax
from billing.invoicing.write_invoices import Bill, write_bills
from billing.models import Invoice, InvoiceState, LineKind
from credits.lock import lock_wallets
from credits.money import CURRENCIES
from tests import makers
from tests.billing.invoicing.closing import CLOSES, MARCH

pytestmark = pytest.mark.django_db
WHY = "Billed by mistake."


def make_invoice(chance: random.Random, code: str, percent: Decimal) -> Invoice:
    """Issued; its lines are licences, so that no charges are missed by the proof."""
    owner = makers.make_organisation(currency=code, billing_mode=BillingMode.NCE)
    amounts = [chance.randrange(1, 10**9) for _ in range(chance.randrange(1, 9))]
    amounts.append(-chance.randrange(sum(amounts)))
    lines = [DraftLine(LineKind.LICENCE, amount) for amount in amounts]
    bill = Bill(owner.pk, owner.billing_mode, code, MARCH, None, None)
    bill.lines = with_tax(lines, name="VAT", percent=percent)
    with transaction.atomic():
        write_bills([bill], lock_wallets([owner.pk]), up_to_charge=0, at=CLOSES)
    return issue_invoice(owner.invoices.get(), at=CLOSES)


@pytest.mark.parametrize("code", sorted(CURRENCIES))
@pytest.mark.parametrize("percent", [Decimal(0), Decimal("7.7")])
def test_b103_credited_in_whole_or_in_parts(
    alice: User, code: str, percent: Decimal
) -> None:
    """10.3: the note of everything is minus the total; parts come to the same."""
    chance = random.Random(f"{code}{percent}")
    at = CLOSES + timedelta(days=1)
    whole = make_invoice(chance, code, percent)
    note = credit_invoice(whole, actor=alice, reason=WHY, at=at)
    assert note.total_minor == -whole.total_minor
    assert note.tax_minor == -whole.tax_minor
    assert sum(line.amount for line in note.lines.all()) == -sum(
        line.amount for line in whole.lines.all()
    )

    parts = make_invoice(chance, code, percent)
    by_size = sorted(creditable_lines(parts), key=lambda line: -line.amount)
    one = by_size[-2]  # the smallest that is not the negative one
    if one.minor > 0 and one.minor + parts.tax_minor <= parts.total_minor:
        credit_invoice(parts, lines=[one], actor=alice, reason=WHY, at=at)
    credit_invoice(parts, actor=alice, reason=WHY, at=at)
    parts.refresh_from_db()
    assert parts.credited_minor == parts.total_minor
    assert parts.state == InvoiceState.PAID
    taken = parts.credit_notes.values_list("total_minor", "tax_minor")
    assert [sum(column) for column in zip(*taken, strict=True)] == [
        -parts.total_minor,
        -parts.tax_minor,
    ]
