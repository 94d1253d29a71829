"""Further addresses that hear what billing contacts hear (rule 11).

Whoever pays adds and removes them; none is written to but once, until it has agreed by
the link in that mail. Which optional kinds one does without is kept as for any other
(`accounts/opt_out.py`).
"""

from datetime import datetime

from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.audit import record_audit
from accounts.models import AlertAddress, Language, NoticeKind, Organisation, User
from accounts.notify import owe_notice_at
from accounts.refusals import TollgateError

SALT = "accounts.alert_address"
MOST = 10


class TooManyAddresses(TollgateError):
    """The list is full."""

    code = "too_many_alert_addresses"
    sentence = _("At most %(most)s alert addresses are kept. Remove one first.")


class AddressIsTold(TollgateError):
    """The address is on the list, or is told anyway."""

    code = "alert_address_once"
    sentence = _("%(address)s is on the list or is told already.")


def add_alert_address(
    organisation: Organisation,
    address: str,
    language: Language,
    *,
    actor: User,
    at: datetime,
    ip: str | None = None,
) -> AlertAddress:
    """Keeps the address and asks it to confirm; it hears nothing else until then.

    Raises TooManyAddresses and AddressIsTold. Locks the organisation.
    """
    address = address.lower()
    with transaction.atomic():
        Organisation.objects.select_for_update().get(pk=organisation.pk)
        mine = organisation.alert_addresses
        if mine.filter(address=address).exists() or _is_told(organisation, address):
            raise AddressIsTold(address=address)
        if mine.count() >= MOST:
            raise TooManyAddresses(most=MOST)
        added = mine.create(
            address=address, language=language, added_at=at, added_by=actor
        )
        owe_notice_at(
            {address: language},
            NoticeKind.ADDRESS_ADDED,
            organisation,
            f"alert-address:{added.pk}",
            {
                "actor": actor.name or actor.email,
                "path": reverse("confirm_alert_address", args=[confirm_token(added)]),
            },
            at=at,
        )
        _note("add_alert_address", added, actor, at, ip)
    return added


def remove_alert_address(
    added: AlertAddress, *, actor: User, at: datetime, ip: str | None = None
) -> None:
    with transaction.atomic():
        _note("remove_alert_address", added, actor, at, ip)
        AlertAddress.objects.filter(pk=added.pk).delete()


def confirm_token(added: AlertAddress) -> str:
    """For the link in the mail; worth nothing once the address was removed."""
    return signing.dumps([added.pk, added.address], salt=SALT)


def read_confirm_token(token: str) -> AlertAddress | None:
    try:
        number, address = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError):
        return None
    found = AlertAddress.objects.select_related("organisation")
    return found.filter(pk=number, address=address).first()


def confirm_alert_address(added: AlertAddress, *, at: datetime) -> None:
    """From now on it is told; again is harmless."""
    AlertAddress.objects.filter(pk=added.pk, confirmed_at=None).update(confirmed_at=at)


def decline_alert_address(added: AlertAddress) -> None:
    """Its owner wants none of it."""
    AlertAddress.objects.filter(pk=added.pk).delete()


def _is_told(organisation: Organisation, address: str) -> bool:
    members = organisation.memberships.filter(user__email__iexact=address)
    return address == organisation.billing_email.lower() or members.exists()


def _note(
    verb: str, added: AlertAddress, actor: User, at: datetime, ip: str | None
) -> None:
    record_audit(
        verb,
        at=at,
        organisation=added.organisation,
        actor=actor,
        object=f"organisation:{added.organisation.slug}",
        after={"address": added.address},
        ip=ip,
    )
