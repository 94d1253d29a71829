"""Announces transfers and matches them, with as few words as a test needs."""

from accounts.models import Organisation, Role, User
from billing.models import StaffPayment, TransferAnnouncement
from billing.prove import prove
from billing.transfers.announce_transfer import announce_transfer
from billing.transfers.match_transfer import match_transfer
from credits.models import Lot, LotKind, Wallet
from credits.money import to_micros
from credits.prove import prove as prove_credits
from tests.makers import START

REASON = "Statement of 5 January, line 12"
FEE = "The sender's bank kept fifteen dollars"


def announce(
    organisation: Organisation,
    amount: str = "5000",
    *,
    key: str = "form:1",
    **more: str,
) -> TransferAnnouncement:
    return announce_transfer(
        organisation,
        to_micros(amount),
        client_key=key,
        actor=organisation.memberships.get(role=Role.OWNER).user,
        at=START,
        **more,
    )


def match(
    transfer: TransferAnnouncement,
    amount: str = "5000",
    *,
    by: User,
    bank_reference: str = "HSBC-1",
    difference: str = "",
) -> StaffPayment:
    return match_transfer(
        transfer,
        to_micros(amount),
        bank_reference=bank_reference,
        recorded_by=by,
        note=REASON,
        difference=difference,
        at=START,
    )


def assert_proven() -> None:
    assert prove(at=START).breaches == []
    assert prove_credits(at=START).breaches == []


def assert_credited(organisation: Organisation, amount: str) -> Lot:
    lot = Lot.objects.get(organisation=organisation)
    assert (lot.kind, lot.original) == (LotKind.STAFF_PAYMENT, to_micros(amount))
    assert Wallet.objects.get(pk=organisation.pk).credit == to_micros(amount)
    assert_proven()
    return lot
