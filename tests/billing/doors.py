"""Every door through which credit is bought, and what it answers (rule 2.1).

A door is walked by a visitor; it returns how it refused, or None where it let them in.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from html import unescape
from itertools import count
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.keys import create_key
from accounts.models import Organisation, Scope, User
from accounts.refusals import TollgateError, fence_code
from billing.models import (
    AutoRecharge,
    RechargeAttempt,
    StaffPayment,
    TopUp,
    TopUpKind,
    TopUpState,
    TransferAnnouncement,
)
from billing.models.fields import sold_money
from billing.refusals import codes_of
from billing.staff_payment import record_staff_payment
from billing.top_up import start_top_up
from billing.transfers.announce_transfer import announce_transfer
from credits.models import PrepaidOnly
from credits.models.prepaid_only import NOT_FOR_SALE_SENTENCE
from credits.money import to_micros
from tests import makers
from tests.billing.recharging import make_card, make_consent, switch_on

NOT_FOR_SALE = "credits_not_for_sale"
AMOUNT = to_micros("100")
_numbers = count(1)
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


def unsaved(visit: Visit) -> list[PrepaidOnly]:
    """What is sold or announced, complete but for the copied mode."""
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
    transfer = TransferAnnouncement(
        organisation=visit.organisation,
        reference="CR-DOOR-DOOR",
        client_key="door",
        amount=money,
        announced_at=timezone.now(),
    )
    return [top_up, payment, transfer, *unsaved_recharges(visit.organisation)]


def unsaved_recharges(organisation: Organisation) -> list[PrepaidOnly]:
    """Settings with their consent, and an attempt with its sale from before a move."""
    money = sold_money(AMOUNT, organisation.currency)
    card = make_card(organisation, at=timezone.now())
    consent = make_consent(card, at=timezone.now())
    settings = AutoRecharge(
        organisation=organisation,
        trigger=money,
        amount=money,
        monthly_limit=money,
        payment_method=card,
        consent=consent,
        switched_on_at=timezone.now(),
        changed_at=timezone.now(),
    )
    attempt = RechargeAttempt(
        organisation=organisation,
        top_up=_sold_before_the_move(organisation),
        currency=organisation.currency,
        consent=consent,
        cause="sweep",
        started_at=timezone.now(),
    )
    return [settings, attempt]


def _sold_before_the_move(organisation: Organisation) -> TopUp:
    mine, mode = Organisation.objects.filter(pk=organisation.pk), organisation.mode
    mine.update(billing_mode="PREPAID")
    money = sold_money(AMOUNT, organisation.currency)
    top_up = TopUp.objects.create(
        organisation=mine.get(),
        client_key=f"before the move {next(_numbers)}",
        kind=TopUpKind.RECHARGE,
        state=TopUpState.ABANDONED,
        credit=money,
        tax=money * 0,
        total=money,
        started_at=timezone.now(),
    )
    mine.update(billing_mode=mode)
    return top_up


def every(act: Callable[[Any], object]) -> Door:
    """A door that every kind of sale goes through; they must agree."""

    def walk(visit: Visit) -> Refused | None:
        found = [refusal(partial(act, sale)) for sale in unsaved(visit)]
        assert len({refused and refused.code for refused in found}) == 1
        return found[0]

    return walk


# --- the doors ------------------------------------------------------------------------

DOORS["model save"] = every(lambda sale: sale.save())
DOORS["model full_clean"] = every(lambda sale: sale.full_clean())


def _in_bulk(sale: Any) -> None:
    """Past save(), which would take the copy of the mode; a blank one is refused."""
    sale.take_billing_mode()
    type(sale).objects.bulk_create([sale])


DOORS["bulk_create"] = every(_in_bulk)


def _create(sale: Any) -> None:
    fields = [field for field in sale._meta.concrete_fields if not field.primary_key]
    wanted = {field.attname: getattr(sale, field.attname) for field in fields}
    type(sale).objects.create(**wanted)


DOORS["create"] = every(_create)


def _lie(sale: Any) -> None:
    """Says PREPAID of an organisation that is not, past save()."""
    sale.billing_mode = "PREPAID"
    type(sale).objects.bulk_create([sale])


DOORS["bulk_create that lies about the mode"] = every(_lie)


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
        TransferAnnouncement: ("organisation", "amount", "client_key", "announced_at"),
        AutoRecharge: (
            "organisation",
            "trigger",
            "amount",
            "monthly_limit",
            "payment_method",
            "consent",
            "switched_on_at",
            "changed_at",
        ),
        RechargeAttempt: (
            "organisation",
            "top_up",
            "currency",
            "consent",
            "cause",
            "state",
            "started_at",
        ),
    }[type(sale)]
    form_class = forms.modelform_factory(type(sale), fields=shown)
    form = form_class(forms.model_to_dict(sale, fields=shown), instance=sale)
    if not form.is_valid():
        raise ValidationError(form.errors.as_data())
    form.save()


DOORS["model form"] = every(_form)


@door
def raw_insert(visit: Visit) -> Refused | None:
    def insert() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO billing_staffpayment (organisation_id, billing_mode, kind,"
                " bank_reference, currency, amount, tax, tax_percent, recorded_by_id,"
                " recorded_at, note, purchase_order, receipt_number)"
                " VALUES (%s, 'PREPAID', 'transfer', 'raw', 'USD', 100, 0, 0, %s, %s,"
                " '', '', '')",
                [visit.organisation.pk, visit.staff.pk, timezone.now()],
            )

    return refusal(insert)


@door
def raw_insert_with_the_true_mode(visit: Visit) -> Refused | None:
    def insert() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO billing_staffpayment (organisation_id, billing_mode, kind,"
                " bank_reference, currency, amount, tax, tax_percent, recorded_by_id,"
                " recorded_at, note, purchase_order, receipt_number)"
                " VALUES (%s, %s, 'transfer', 'raw', 'USD', 100, 0, 0, %s, %s,"
                " '', '', '')",
                [
                    visit.organisation.pk,
                    visit.organisation.billing_mode,
                    visit.staff.pk,
                    timezone.now(),
                ],
            )

    return refusal(insert)


@door
def raw_insert_of_an_announcement(visit: Visit) -> Refused | None:
    def insert() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO billing_transferannouncement (organisation_id,"
                " billing_mode, reference, currency, amount, purchase_order,"
                " client_key, state, announced_at)"
                " VALUES (%s, 'PREPAID', 'CR-RAW', 'USD', 100, '', 'raw',"
                " 'announced', %s)",
                [visit.organisation.pk, timezone.now()],
            )

    return refusal(insert)


def _raw_insert(sale: Any) -> None:
    fields = [field for field in sale._meta.concrete_fields if not field.primary_key]
    columns = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    values = [
        field.get_db_prep_save(getattr(sale, field.attname), connection)
        for field in fields
    ]
    places = ", ".join(["%s"] * len(fields))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {sale._meta.db_table} ({columns}) VALUES ({places})", values
        )


def _raw_truth(sale: Any) -> None:
    sale.take_billing_mode()
    _raw_insert(sale)


DOORS["raw INSERT with the true mode"] = every(_raw_truth)


def _raw_lie(sale: Any) -> None:
    sale.billing_mode = "PREPAID"
    _raw_insert(sale)


DOORS["raw INSERT that lies about the mode"] = every(_raw_lie)


def handed_over(act: Callable[[Any, Organisation], object]) -> Door:
    """Another's sale is handed to the visitor; a prepaid one may not take it either."""

    def walk(visit: Visit) -> Refused | None:
        giver = makers.make_organisation()
        recharges = unsaved_recharges(giver)
        for sale in recharges:
            sale.save()
        sales: list[Any] = [
            makers.make_top_up(giver, "100"),
            makers.make_staff_payment(giver, "100", by=visit.staff),
            announced(giver, by=visit.staff),
            *recharges,
        ]
        found = [refusal(partial(act, sale, visit.organisation)) for sale in sales]
        assert found == found[:1] * len(sales)
        for sale in sales:
            sale.refresh_from_db()
            assert (sale.organisation_id, sale.billing_mode) == (giver.pk, "PREPAID")
        return found[0]

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


@door
def verb_announce_transfer(visit: Visit) -> Refused | None:
    return refusal(lambda: announced(visit.organisation, by=visit.staff))


def announced(organisation: Organisation, *, by: User) -> TransferAnnouncement:
    return announce_transfer(
        organisation, AMOUNT, client_key="door", actor=by, at=timezone.now()
    )


@door
def verb_save_auto_recharge(visit: Visit) -> Refused | None:
    card = make_card(visit.organisation, at=timezone.now())
    return refusal(lambda: switch_on(visit.organisation, card, at=timezone.now()))


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


@door
def page_announce_transfer(visit: Visit) -> Refused | None:
    return page(visit, "/credits/transfer/", {"amount": "100", "key": KEY})


@door
def page_auto_recharge(visit: Visit) -> Refused | None:
    first = page(visit, "/auto-recharge/settings/", {"amount": "100"})
    second = page(visit, "/auto-recharge/review/", {"amount": "100"})
    assert first == second
    return first


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


def match_in_admin(transfer: TransferAnnouncement, *, by: User) -> str:
    """Fills in what was announced, looks, confirms; what the page after that says."""
    client = Client()
    client.force_login(by)
    address = f"/admin/billing/transferannouncement/{transfer.pk}/match/"
    typed = {
        "amount": "100",
        "bank_reference": "door",
        "reason": "A transfer that came in today",
    }
    seen = client.post(address, typed | {"step": "preview"}).content.decode()
    found = re.search(r'name="once" value="([^"]+)"', seen)
    assert found
    last = typed | {"step": "confirm", "once": found.group(1)}
    return unescape(client.post(address, last, follow=True).content.decode())


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
