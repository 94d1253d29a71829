"""Brings an uploaded deck, or an older version, into force (rule 6.1).

Uploading changes no price; this does, once, with a reason, by whoever may: a second
person, as long as there is one. Rolling back makes a new version of the old rates, so
that what was in force when stays readable. Locks the card, then the upload.
"""

from datetime import datetime
from typing import ClassVar

from django.db import transaction
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.audit import record_audit
from accounts.models import User
from accounts.refusals import TollgateError
from calling.import_rates import Deck, ImportedRates, carry_out, plan_import
from calling.models import DeckMode, DeckUpload, RateCard, RateCardVersion
from calling.price_rises import check_notice
from calling.write_rates import read_rates, version_in_force, write_version

MAY_ACTIVATE = "activate_ratedeck"


class RatesRefused(TollgateError):
    """The card stays as it is."""


class AlreadyActivated(RatesRefused):
    code: ClassVar[str] = "deck_already_activated"
    sentence: ClassVar[str | Promise] = _("This deck has been activated already.")
    status: ClassVar[int] = 409


class SecondPersonNeeded(RatesRefused):
    code: ClassVar[str] = "second_person_needed"
    sentence: ClassVar[str | Promise] = _(
        "You uploaded this deck; somebody else has to activate it."
    )
    status: ClassVar[int] = 403


class CardHasChanged(RatesRefused):
    code: ClassVar[str] = "card_has_changed"
    sentence: ClassVar[str | Promise] = _(
        "The card has got another version since you looked; look again."
    )
    status: ClassVar[int] = 409


class NothingToActivate(RatesRefused):
    code: ClassVar[str] = "nothing_to_activate"
    sentence: ClassVar[str | Promise] = _("These rates are in force already.")
    status: ClassVar[int] = 409


def deck_of(upload: DeckUpload) -> Deck:
    """The uploaded file as an import reads it."""
    return Deck(
        raw=bytes(upload.content),
        profile=upload.profile,
        hints=upload.hints(),
        mode=DeckMode(upload.mode),
        origin=upload.file_name,
    )


def activate_deck(
    upload: DeckUpload, *, basis: int | None, actor: User, reason: str, at: datetime
) -> ImportedRates:
    """The versions it made. `basis` is the version that the preview compared with."""
    with transaction.atomic():
        card = RateCard.objects.select_for_update().get(pk=upload.card_id)
        upload = DeckUpload.objects.select_for_update().get(pk=upload.pk)
        if upload.activated_at is not None:
            raise AlreadyActivated
        if upload.uploaded_by_id == actor.pk and others_may_activate(actor):
            raise SecondPersonNeeded
        starts_at = max(upload.valid_from or at, at)
        _check_basis(card, basis, starts_at)
        deck = deck_of(upload)
        result = carry_out(plan_import(deck, card, starts_at=starts_at), deck, at=at)
        if not result.versions:
            raise NothingToActivate
        upload.activated_by, upload.activated_at = actor, at
        upload.version = result.versions[-1]
        upload.save(update_fields=["activated_by", "activated_at", "version"])
        _note("activate_rates", result.versions, actor=actor, reason=reason, at=at)
    return result


def restore_version(
    version: RateCardVersion,
    *,
    valid_from: datetime | None,
    basis: int | None,
    actor: User,
    reason: str,
    at: datetime,
) -> RateCardVersion:
    """A new version with the older one's rates."""
    starts_at = max(valid_from or at, at)
    with transaction.atomic():
        card = RateCard.objects.select_for_update().get(pk=version.card_id)
        before = _check_basis(card, basis, starts_at)
        if before is not None and before.digest == version.digest:
            raise NothingToActivate
        rates, held = read_rates(version).rates, read_rates(before)
        check_notice(card, held.rates, rates, valid_from=starts_at, at=at)
        made = write_version(
            card,
            rates,
            before=held,
            valid_from=starts_at,
            at=at,
            restores=version,
        )
        _note("roll_back_rates", [made], actor=actor, reason=reason, at=at)
    return made


def others_may_activate(user: User) -> bool:
    """Whether somebody else of the staff could be the second person."""
    may = Q(is_superuser=True)
    for way in ("user_permissions", "groups__permissions"):
        may |= Q(**{f"{way}__codename": MAY_ACTIVATE})
    staff = User.objects.filter(is_staff=True, is_active=True).exclude(pk=user.pk)
    return staff.filter(may).exists()


def _check_basis(
    card: RateCard, basis: int | None, starts_at: datetime
) -> RateCardVersion | None:
    found = version_in_force(card, starts_at)
    if (found.pk if found is not None else None) != basis:
        raise CardHasChanged
    return found


def _note(
    verb: str,
    versions: list[RateCardVersion],
    *,
    actor: User,
    reason: str,
    at: datetime,
) -> None:
    card = versions[0].card
    for version in versions:
        record_audit(
            verb,
            at=at,
            actor=actor,
            organisation=card.organisation,
            object=str(version),
            reason=reason,
            after={
                "version": version.number,
                "valid_from": version.valid_from.isoformat(),
                "rates": version.rate_count,
                "restores": version.restores.number if version.restores else None,
            },
        )
