"""Every door through which an NCE organisation might buy credits is shut (rule 2.1).

One test walks them all: the same code and the same sentence at each, and nothing has
changed afterwards. A prepaid organisation passes the same doors.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from html import unescape
from typing import Any

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.keys import create_key
from accounts.models import Organisation, Scope, User
from accounts.refusals import TollgateError, fence_code
from billing.models import StaffPayment, TopUp
from billing.models.fields import sold_money
from billing.promotional import grant_promotional_credit
from billing.refusals import codes_of
from billing.staff_payment import record_staff_payment
from billing.top_up import start_top_up
from credits.models import LedgerEntry, Lot, Wallet
from credits.models.prepaid_only import NOT_FOR_SALE_SENTENCE
from credits.money import to_micros
from credits.refusals import CreditsNotHeld
from tests import makers
from tests.stripe_sandbox import StripeSandbox

NOT_FOR_SALE = "credits_not_for_sale"
AMOUNT = to_micros("100")
KEY = "5f0c7c7e-3c51-4f0e-9a2b-0d5a4f6f6f11"


@dataclass
class Refused:
    """How a door said no; the sentence is empty where only the database spoke."""

    code: str
    sentence: str


@dataclass
class Visit:
    """Who comes to the door."""

    organisation: Organisation
    staff: User


Door = Callable[[Visit], Refused | None]
DOORS: dict[str, Door] = {}


def door(walk: Door) -> Door:
    DOORS[walk.__name__] = walk
    return walk


def refusal(act: Callable[[], object]) -> Refused | None:
    """Acts in a transaction of its own and reads whatever was raised."""
    try:
        with transaction.atomic():
            act()
    except TollgateError as error:
        return Refused(error.code, str(error))
    except ValidationError as error:
        [code] = codes_of(error)
        return Refused(code, " ".join(error.messages))
    except DatabaseError as error:
        return Refused(fence_code(error), "")
    return None


def unsaved(visit: Visit) -> tuple[TopUp, StaffPayment]:
    """Both sale rows, complete but for the copied mode."""
    money = sold_money(AMOUNT, visit.organisation.currency)
    top_up = TopUp(
        organisation=visit.organisation,
        client_key="door",
        credit=money,
        tax=money * 0,
        total=money,
        started_at=timezone.now(),
    )
    payment = StaffPayment(
        organisation=visit.organisation,
        bank_reference="door",
        amount=money,
        recorded_by=visit.staff,
        recorded_at=timezone.now(),
    )
    return top_up, payment


def both(act: Callable[[Any], object]) -> Door:
    """A door that both kinds of sale go through; they must agree."""

    def walk(visit: Visit) -> Refused | None:
        first, second = (refusal(partial(act, sale)) for sale in unsaved(visit))
        assert (first and first.code) == (second and second.code)
        return first

    return walk


# --- the doors ------------------------------------------------------------------------

DOORS["model save"] = both(lambda sale: sale.save())
DOORS["model full_clean"] = both(lambda sale: sale.full_clean())


def _in_bulk(sale: Any) -> None:
    """Past save(), which would take the copy of the mode; a blank one is refused."""
    sale.take_billing_mode()
    type(sale).objects.bulk_create([sale])


DOORS["bulk_create"] = both(_in_bulk)


def _create(sale: Any) -> None:
    fields = [field for field in sale._meta.concrete_fields if not field.primary_key]
    wanted = {field.attname: getattr(sale, field.attname) for field in fields}
    type(sale).objects.create(**wanted)


DOORS["create"] = both(_create)


def _lie(sale: Any) -> None:
    """Says PREPAID of an organisation that is not, past save()."""
    sale.billing_mode = "PREPAID"
    type(sale).objects.bulk_create([sale])


DOORS["bulk_create that lies about the mode"] = both(_lie)


def _form(sale: Any) -> None:
    """A form that does not show the mode, as every ModelForm here."""
    shown = {
        TopUp: ("organisation", "client_key", "credit", "total", "started_at"),
        StaffPayment: (
            "organisation",
            "kind",
            "bank_reference",
            "amount",
            "recorded_by",
            "recorded_at",
        ),
    }[type(sale)]
    form_class = forms.modelform_factory(type(sale), fields=shown)
    form = form_class(forms.model_to_dict(sale, fields=shown), instance=sale)
    if not form.is_valid():
        raise ValidationError(form.errors.as_data())
    form.save()


DOORS["model form"] = both(_form)


@door
def raw_insert(visit: Visit) -> Refused | None:
    def insert() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO billing_staffpayment (organisation_id, billing_mode, kind,"
                " bank_reference, currency, amount, recorded_by_id, recorded_at, note,"
                " purchase_order, receipt_number)"
                " VALUES (%s, 'PREPAID', 'transfer', 'raw', 'USD', 100, %s, %s, '',"
                " '', '')",
                [visit.organisation.pk, visit.staff.pk, timezone.now()],
            )

    return refusal(insert)


@door
def raw_insert_with_the_true_mode(visit: Visit) -> Refused | None:
    def insert() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO billing_staffpayment (organisation_id, billing_mode, kind,"
                " bank_reference, currency, amount, recorded_by_id, recorded_at, note,"
                " purchase_order, receipt_number)"
                " VALUES (%s, %s, 'transfer', 'raw', 'USD', 100, %s, %s, '', '', '')",
                [
                    visit.organisation.pk,
                    visit.organisation.billing_mode,
                    visit.staff.pk,
                    timezone.now(),
                ],
            )

    return refusal(insert)


def handed_over(act: Callable[[Any, Organisation], object]) -> Door:
    """Another's sale is handed to the visitor; a prepaid one may not take it either."""

    def walk(visit: Visit) -> Refused | None:
        giver = makers.make_organisation()
        sales = [
            makers.make_top_up(giver, "100"),
            makers.make_staff_payment(giver, "100", by=visit.staff),
        ]
        first, second = (
            refusal(partial(act, sale, visit.organisation)) for sale in sales
        )
        assert first == second
        for sale in sales:
            sale.refresh_from_db()
            assert (sale.organisation_id, sale.billing_mode) == (giver.pk, "PREPAID")
        return first

    return walk


def _raw_update(sale: Any, taker: Organisation) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {sale._meta.db_table} SET organisation_id = %s, billing_mode = %s"
            " WHERE id = %s",
            [taker.pk, taker.billing_mode, sale.pk],
        )


HAND_OVERS: dict[str, Door] = {
    "queryset update of the organisation": handed_over(
        lambda sale, taker: (
            type(sale).objects.filter(pk=sale.pk).update(organisation=taker)
        )
    ),
    "queryset update of organisation and mode": handed_over(
        lambda sale, taker: (
            type(sale)
            .objects.filter(pk=sale.pk)
            .update(organisation=taker, billing_mode=taker.billing_mode)
        )
    ),
    "raw SQL UPDATE": handed_over(_raw_update),
}


@door
def verb_start_top_up(visit: Visit) -> Refused | None:
    return refusal_outside(
        lambda: start_top_up(
            visit.organisation,
            AMOUNT,
            client_key="door",
            actor=visit.staff,
            language="en",
            at=timezone.now(),
        )
    )


@door
def verb_record_staff_payment(visit: Visit) -> Refused | None:
    return refusal(
        lambda: record_staff_payment(
            visit.organisation,
            AMOUNT,
            bank_reference="door",
            recorded_by=visit.staff,
            note="A transfer that came in today",
            at=timezone.now(),
        )
    )


def refusal_outside(act: Callable[[], object]) -> Refused | None:
    """For verbs that call Stripe and may not stand in a transaction."""
    try:
        act()
    except TollgateError as error:
        return Refused(error.code, str(error))
    return None


@door
def api(visit: Visit) -> Refused | None:
    _key, secret = create_key(
        "door",
        organisation=visit.organisation,
        scopes=[Scope.FUNDS_WRITE],
        at=timezone.now(),
    )
    answer = Client().post(
        "/api/v1/top-ups",
        json.dumps({"amount": "100.00", "currency": "USD"}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": "door"},
    )
    if answer.status_code == 201:
        return None
    assert answer.status_code == 409
    assert answer["Content-Type"] == "application/problem+json"
    return Refused(answer.json()["code"], answer.json()["detail"])


@door
def page_add_funds(visit: Visit) -> Refused | None:
    return page(visit, "/credits/add/", {"amount": "100", "key": KEY})


@door
def page_review(visit: Visit) -> Refused | None:
    return page(visit, "/credits/add/review/", {"amount": "100", "key": KEY})


def page(visit: Visit, address: str, form: dict[str, str]) -> Refused | None:
    client = Client()
    client.force_login(visit.organisation.memberships.get(role="owner").user)
    answer = client.post(address, form)
    if answer.status_code == 302:
        return None
    assert answer.status_code == 409
    text = unescape(answer.content.decode())
    assert str(NOT_FOR_SALE_SENTENCE) in text
    assert NOT_FOR_SALE in text
    return Refused(NOT_FOR_SALE, str(NOT_FOR_SALE_SENTENCE))


@door
def admin_action(visit: Visit) -> Refused | None:
    organisation = visit.organisation
    chosen = {"_selected_action": organisation.pk, "action": "record_payment"}
    return staff_page(visit, "/admin/accounts/organisation/", chosen)


@door
def admin_add(visit: Visit) -> Refused | None:
    address = "/admin/billing/staffpayment/add/"
    return staff_page(visit, address, {"organisation": visit.organisation.pk})


def staff_page(visit: Visit, address: str, chosen: dict[str, Any]) -> Refused | None:
    """Fills in, looks, confirms; reads what the page after that says."""
    client = Client()
    client.force_login(visit.staff)
    typed = chosen | {
        f"amount_{visit.organisation.pk}": "100",
        f"reference_{visit.organisation.pk}": "door",
        "kind": "transfer",
        "reason": "A transfer that came in today",
    }
    seen = client.post(address, typed | {"step": "preview"}).content.decode()
    found = re.search(r'name="once" value="([^"]+)"', seen)
    assert found
    last = typed | {"step": "confirm", "once": found.group(1)}
    told = unescape(client.post(address, last, follow=True).content.decode())
    if f"{visit.organisation}: {NOT_FOR_SALE_SENTENCE}" in told:
        assert str(NOT_FOR_SALE_SENTENCE) in unescape(seen)
        return Refused(NOT_FOR_SALE, str(NOT_FOR_SALE_SENTENCE))
    assert "US$100.00 added." in told
    return None


# --- the walk -------------------------------------------------------------------------


@pytest.fixture
def staff(db: None, settings: Settings) -> User:
    settings.STAFF_NEED_SECOND_FACTOR = False
    user = makers.make_user("staff@provider.example", is_staff=True)
    user.is_superuser = True
    user.save()
    return user


@pytest.fixture(autouse=True)
def _sold(stripe_sandbox: StripeSandbox, db: None) -> None:
    makers.make_terms("USD")


def everything_sold() -> tuple[Any, ...]:
    return (
        TopUp.objects.count(),
        StaffPayment.objects.count(),
        list(Lot.objects.values_list("pk", "original", "remaining")),
        LedgerEntry.objects.count(),
        list(Wallet.objects.order_by("pk").values_list("credit", "debt", "incoming")),
    )


@pytest.mark.parametrize("name", DOORS)
def test_nce_organisation_cannot_buy_credit(
    contoso: Organisation, staff: User, name: str
) -> None:
    before = everything_sold()
    refused = DOORS[name](Visit(contoso, staff))
    assert refused is not None
    assert refused.code == NOT_FOR_SALE
    assert refused.sentence in {str(NOT_FOR_SALE_SENTENCE), ""}
    assert everything_sold() == before


@pytest.mark.parametrize("name", HAND_OVERS)
def test_nce_organisation_cannot_be_handed_a_sale(
    contoso: Organisation, staff: User, name: str
) -> None:
    refused = HAND_OVERS[name](Visit(contoso, staff))
    assert refused == Refused(NOT_FOR_SALE, "")


@pytest.mark.parametrize("name", HAND_OVERS)
def test_nobody_is_handed_a_sale(formosa: Organisation, staff: User, name: str) -> None:
    refused = HAND_OVERS[name](Visit(formosa, staff))
    assert refused == Refused("sale_keeps_mode", "")


@pytest.mark.parametrize("kind", ["purchase", "recharge", "staff_payment"])
def test_lot_of_a_sold_kind_without_its_sale_is_refused(
    contoso: Organisation, kind: str
) -> None:
    others = makers.make_top_up(makers.make_organisation(), "100")
    lot = Lot(
        organisation=contoso,
        kind=kind,
        currency="USD",
        original=AMOUNT,
        issued_at=makers.START,
        expires_at=makers.START.replace(year=2027),
        exhausted_at=makers.START,
        time_zone="UTC",
        reference="around the sale",
        sale_id=others.pk,
    )
    assert refusal(lot.save) == Refused("lot_names_sale", "")
    assert not Lot.objects.exists()


def test_nce_organisation_is_given_no_promotional_credit(
    contoso: Organisation, staff: User
) -> None:
    before = everything_sold()

    def give() -> None:
        grant_promotional_credit(
            contoso,
            AMOUNT,
            months=6,
            reason="For the outage last week",
            actor=staff,
            token="door",
            at=timezone.now(),
        )

    refused = refusal(give)
    assert refused == Refused(CreditsNotHeld.code, str(CreditsNotHeld.sentence))
    assert everything_sold() == before


@pytest.mark.parametrize("name", DOORS)
def test_prepaid_organisation_passes_the_same_door(
    formosa: Organisation, staff: User, name: str
) -> None:
    assert DOORS[name](Visit(formosa, staff)) is None
