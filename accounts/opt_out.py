"""Which optional messages an address does without (rule 11).

Payment and legal kinds are always sent; a constraint says which may be left out. The
link at the foot of a mail carries a signed token: it needs no sign-in, and can do
nothing but stop one kind for one address.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.core import signing
from django.db import transaction
from django.db.models import QuerySet

from accounts.models import NoticeKind, NoticeOptOut, Organisation

SALT = "accounts.opt_out"


@dataclass(frozen=True)
class OptOutToken:
    """What a link at the foot of a mail stands for."""

    organisation: Organisation
    address: str
    kind: NoticeKind


def set_opt_outs(
    organisation: Organisation,
    address: str,
    unwanted: Collection[NoticeKind],
    *,
    at: datetime,
) -> None:
    """From now on the address gets every optional kind but these."""
    with transaction.atomic():
        mine = _of(organisation, address)
        mine.exclude(kind__in=unwanted).delete()
        for kind in unwanted:
            opt_out(organisation, address, kind, at=at)


def opt_out(
    organisation: Organisation, address: str, kind: NoticeKind, *, at: datetime
) -> None:
    """Stops one kind for one address; again is harmless."""
    NoticeOptOut.objects.get_or_create(
        organisation=organisation,
        address=address.lower(),
        kind=kind,
        defaults={"opted_out_at": at},
    )


def opt_in(organisation: Organisation, address: str, kind: NoticeKind) -> None:
    _of(organisation, address).filter(kind=kind).delete()


def unwanted_kinds(organisation: Organisation, address: str) -> set[NoticeKind]:
    kinds = _of(organisation, address).values_list("kind", flat=True)
    return {NoticeKind(kind) for kind in kinds}


def opt_out_token(organisation_id: int, address: str, kind: NoticeKind) -> str:
    """For the link in a mail; it never runs out, as the mail does not."""
    return signing.dumps([organisation_id, address.lower(), kind.value], salt=SALT)


def read_token(token: str) -> OptOutToken | None:
    """What the token stands for; None where it is not ours or no longer means it."""
    try:
        organisation_id, address, kind = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError):
        return None
    organisation = Organisation.objects.filter(pk=organisation_id).first()
    if organisation is None or kind not in NoticeKind.optional():
        return None
    return OptOutToken(organisation, address, NoticeKind(kind))


def _of(organisation: Organisation, address: str) -> QuerySet[NoticeOptOut]:
    return NoticeOptOut.objects.filter(
        organisation=organisation, address=address.lower()
    )
