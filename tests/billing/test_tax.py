"""Tax by the customer's country, on what is sold and on what is billed (rule 10.4)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Organisation, ProviderSettings, TaxPolicy, User
from billing.models import RefundState, StaffPayment, TaxRate
from billing.prove import prove
from billing.reversing.refund_staff_payment import ask_staff_refund
from billing.staff_payment import record_staff_payment
from billing.tax_rates import NO_TAX, Tax, read_tax, read_taxes, tax_on, tax_within
from billing.top_up import start_top_up
from credits.models import Lot
from credits.money import to_micros
from tests.billing.buying import Buyer
from tests.calling.plans import signed_in

DAY = date(2026, 3, 10)
AT = datetime(2026, 3, 10, 4, tzinfo=UTC)


@pytest.fixture
def taxed(db: None) -> None:
    """Five percent in Taiwan, ten from April on; twenty everywhere else."""
    ProviderSettings.objects.update_or_create(
        pk=1, defaults={"tax_policy": TaxPolicy.BY_COUNTRY}
    )
    for country, percent, since in [
        ("TW", "5", date(2026, 1, 1)),
        ("TW", "10", date(2026, 4, 1)),
        ("", "20", date(2026, 1, 1)),
    ]:
        TaxRate.objects.create(
            country=country, name="VAT", percent=Decimal(percent), valid_from=since
        )


def test_the_rate_of_the_country_and_day(taxed: None) -> None:
    buyers = {
        1: ("TW", DAY),
        2: ("TW", date(2026, 4, 1)),
        3: ("GB", DAY),
        4: ("GB", date(2025, 12, 31)),
    }
    found = read_taxes(buyers)
    assert [found[pk].percent for pk in buyers] == [5, 10, 20, 0]


def test_none_where_the_provider_adds_none(taxed: None) -> None:
    ProviderSettings.objects.update(tax_policy=TaxPolicy.NONE)
    assert read_tax("TW", DAY) == NO_TAX


@pytest.mark.parametrize(
    ("currency", "net", "tax"),
    [
        ("USD", "50.10", "2.51"),  # 2.505: a half goes up
        ("JPY", "1010", "51"),
        ("TWD", "1009", "50"),
        ("KWD", "10.100", "0.510"),  # in steps of ten fils
    ],
)
def test_tax_is_rounded_once_to_the_step(currency: str, net: str, tax: str) -> None:
    rate = Tax("VAT", Decimal(5))
    added = tax_on(to_micros(net), rate, currency)
    assert added == to_micros(tax)
    assert tax_within(to_micros(net) + added, rate, currency) == added


def test_a_top_up_shows_and_charges_it(taxed: None, buyer: Buyer, alice: User) -> None:
    """4.2: credit, tax and total are reviewed; the lot is the credit, and taxed."""
    TaxRate.objects.filter(percent=10).delete()
    top_up = start_top_up(
        buyer.organisation,
        to_micros(100),
        client_key="taxed",
        actor=alice,
        language="en",
        at=timezone.now(),
    )
    assert (top_up.tax.amount, top_up.total.amount) == (Decimal(5), Decimal(105))
    assert top_up.tax_percent == 5
    assert top_up.is_taxed


@pytest.mark.django_db
def test_what_arrives_by_transfer_is_gross(
    taxed: None, formosa: Organisation, alice: User
) -> None:
    """4.6: of 105 dollars a hundred are credit; the tax goes back with it."""
    payment = record_staff_payment(
        formosa,
        to_micros(105),
        bank_reference="BANK 1",
        recorded_by=alice,
        note="Arrived this morning.",
        at=AT,
    )
    assert (payment.tax.amount, payment.tax_percent) == (Decimal(5), Decimal(5))
    lot = Lot.objects.get()
    assert (lot.original, lot.is_taxed) == (to_micros(100), True)
    page = signed_in(alice).get(payment.get_absolute_url()).content.decode()
    for text in ("US$100.00", "US$5.00", "US$105.00"):
        assert text in page
    totals = [refund(payment, part, alice) for part in ("33.33", "33.33", "33.34")]
    assert totals == [Decimal("35.00"), Decimal("34.99"), Decimal("35.01")]
    assert sum(totals) == 105
    assert prove(at=AT).breaches == []


def refund(payment: StaffPayment, credit: str, actor: User) -> Decimal:
    found = ask_staff_refund(
        payment,
        to_micros(credit),
        client_key=f"{credit}:{payment.refunds.count()}",
        reason="Asked for by the customer.",
        actor=actor,
        at=AT + timedelta(hours=1),
    )
    assert found.state == RefundState.REQUESTED
    return found.total.amount


@pytest.mark.django_db
def test_without_tax_all_of_it_is_credit(formosa: Organisation, alice: User) -> None:
    payment = record_staff_payment(
        formosa,
        to_micros(105),
        bank_reference="BANK 1",
        recorded_by=alice,
        note="Arrived this morning.",
        at=AT,
    )
    lot = Lot.objects.get()
    assert (payment.tax.amount, lot.is_taxed) == (Decimal(0), False)
    assert lot.original == to_micros(105)
