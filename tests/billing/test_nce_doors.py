"""Every door through which an NCE organisation might buy credits is shut (rule 2.1).

One test walks them all: the same code and the same sentence at each, and nothing has
changed afterwards. A prepaid organisation passes the same doors.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Organisation, User
from billing.models import (
    AutoRecharge,
    RechargeAttempt,
    RechargeCause,
    StaffPayment,
    TopUp,
    TopUpState,
    TransferAnnouncement,
)
from billing.promotional import grant_promotional_credit
from billing.prove import prove
from billing.recharging.claim_recharges import claim_one
from billing.recharging.recharge import sweep_recharges
from credits.models import LedgerEntry, Lot, Wallet
from credits.models.prepaid_only import NOT_FOR_SALE_SENTENCE
from credits.refusals import CreditsNotHeld
from tests import makers
from tests.billing.convert.moving import move
from tests.billing.doors import (
    AMOUNT,
    DOORS,
    HAND_OVERS,
    NOT_FOR_SALE,
    Refused,
    Visit,
    match_in_admin,
    refusal,
)
from tests.billing.recharging import make_card, switch_on
from tests.billing.transferring import announce
from tests.stripe_sandbox import StripeSandbox

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
        # What was abandoned before the visit is the door's own.
        TopUp.objects.exclude(state=TopUpState.ABANDONED).count(),
        AutoRecharge.objects.count(),
        RechargeAttempt.objects.count(),
        StaffPayment.objects.count(),
        TransferAnnouncement.objects.filter(staff_payment__isnull=False).count(),
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


def test_2_1_organisation_that_moved_finds_every_door_shut(
    formosa: Organisation, staff: User
) -> None:
    """By the wizard's verb, with auto-recharge on and a transfer announced."""
    now = timezone.now()
    switch_on(formosa, make_card(formosa, at=now), at=now)
    transfer = announce(formosa, "100")
    move(formosa, at=now)
    formosa.refresh_from_db()
    before = everything_sold()
    for name, door in DOORS.items():
        refused = door(Visit(formosa, staff))
        assert refused is not None, name
        assert refused.code == NOT_FOR_SALE, name
        assert refused.sentence in {str(NOT_FOR_SALE_SENTENCE), ""}, name
    for cause in RechargeCause:
        assert claim_one(formosa.pk, cause=cause, at=now, is_asked=True) is None
    assert sweep_recharges(now) == 0
    assert everything_sold() == before
    # 2.2: what began before is delivered, once, and nothing more with it.
    assert "US$100.00 added, receipt" in match_in_admin(transfer, by=staff)
    assert Wallet.objects.get(pk=formosa.pk).credit == AMOUNT
    assert prove(at=timezone.now()).breaches == []


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


def test_auto_recharge_that_a_move_left_behind_sells_nothing(
    formosa: Organisation,
) -> None:
    """UPDATE is a door too; nor does any job charge for such a row."""
    row = switch_on(formosa, make_card(formosa, at=timezone.now()), at=timezone.now())
    Organisation.objects.filter(pk=formosa.pk).update(billing_mode="NCE")
    rows = AutoRecharge.objects.filter(pk=row.pk)
    acts: list[Callable[[], object]] = [
        row.save,
        lambda: rows.update(amount=60),
        lambda: AutoRecharge.objects.bulk_update([row], ["catches_up"]),
    ]
    assert [refusal(act) for act in acts] == [Refused(NOT_FOR_SALE, "")] * 3
    again = refusal(lambda: switch_on(formosa, row.payment_method, at=timezone.now()))
    assert again == Refused(NOT_FOR_SALE, str(NOT_FOR_SALE_SENTENCE))
    assert sweep_recharges(timezone.now()) == 0
    for cause in RechargeCause:
        found = claim_one(formosa.pk, cause=cause, at=timezone.now(), is_asked=True)
        assert found is None
    assert not TopUp.objects.exists()


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
