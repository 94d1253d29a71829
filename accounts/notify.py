"""Owes a message to everybody who must know: one outbox row per reader.

Called inside the transaction of the deed, so that the message is owed exactly when the
deed stands; `accounts/send.py` delivers it afterwards. One message per kind, episode
and address, however often it is owed (rule 11). Nothing is formatted here: amounts stay
in micros and instants in ISO text until the recipient's language is at hand. The same
call tells the organisation's own systems, where a kind has an event (docs/webhooks.md).
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django_q.tasks import async_task

from accounts.emit_event import emit_event, event_data
from accounts.models import (
    Audience,
    Language,
    Notice,
    NoticeKind,
    NoticeOptOut,
    Organisation,
    Role,
    User,
)

ROLES = {
    Audience.BILLING: (Role.BILLING_ADMIN,),
    Audience.OWNER_AND_BILLING: (Role.OWNER, Role.BILLING_ADMIN),
    Audience.OWNER: (Role.OWNER,),
    Audience.TECHNICAL: (Role.OWNER, Role.DEVELOPER),
}
WITH_BILLING_ADDRESS = (Audience.BILLING, Audience.OWNER_AND_BILLING)


def owe_notice(
    kind: NoticeKind,
    *,
    organisation: Organisation,
    episode: str,
    context: Mapping[str, str | int],
    at: datetime,
) -> list[Notice]:
    """The messages of this episode, made now where they were not owed before."""
    _check_facts(kind, context)
    with transaction.atomic():
        contacts = readers_of(kind, organisation)
        owed = _owe(kind, contacts, organisation, episode, context, at)
        if kind.rules.event:
            emit_event(
                organisation,
                kind.rules.event,
                event_data(context),
                reference=f"{kind}:{episode}",
                at=at,
            )
    return owed


def owe_notice_to(
    user: User,
    kind: NoticeKind,
    *,
    organisation: Organisation,
    episode: str,
    context: Mapping[str, str | int],
    at: datetime,
) -> list[Notice]:
    """The same for the one who asked for it, and for nobody else."""
    contact = {user.email.lower(): Language(user.language)}
    return owe_notice_at(contact, kind, organisation, episode, context, at=at)


def owe_notice_at(  # what `owe_notice` takes
    contacts: Mapping[str, Language],
    kind: NoticeKind,
    organisation: Organisation,
    episode: str,
    context: Mapping[str, str | int],
    *,
    at: datetime,
) -> list[Notice]:
    """The same for these addresses, each in its language."""
    _check_facts(kind, context)
    with transaction.atomic():
        return _owe(kind, contacts, organisation, episode, context, at)


def _check_facts(kind: NoticeKind, context: Mapping[str, str | int]) -> None:
    missing = kind.facts - context.keys()
    if missing:
        raise ValueError(f"A {kind} notice needs {', '.join(sorted(missing))}.")


def _owe(  # noqa: PLR0917  # a row of the outbox, column by column
    kind: NoticeKind,
    contacts: Mapping[str, Language],
    organisation: Organisation,
    episode: str,
    context: Mapping[str, str | int],
    at: datetime,
) -> list[Notice]:
    Notice.objects.bulk_create(
        [
            Notice(
                organisation=organisation,
                kind=kind,
                episode=episode,
                recipient=address,
                language=language,
                context=dict(context),
                created_at=at,
                next_try_at=at,
            )
            for address, language in contacts.items()
        ],
        ignore_conflicts=True,
    )
    # The queue is a table: a deed that is undone leaves no job behind.
    async_task("accounts.jobs.send_notices")
    return list(Notice.objects.filter(kind=kind, episode=episode).order_by("id"))


def readers_of(kind: NoticeKind, organisation: Organisation) -> dict[str, Language]:
    """Addresses of those to be told, each once, and the language of each."""
    readers = audience_of(kind.rules.audience, organisation)
    if kind.rules.is_optional:
        opted_out = NoticeOptOut.objects.filter(organisation=organisation, kind=kind)
        for address in opted_out.values_list("address", flat=True):
            readers.pop(address, None)
    return readers


def audience_of(audience: Audience, organisation: Organisation) -> dict[str, Language]:
    """Everybody an audience is made of.

    The billing address and confirmed alert addresses count as billing contacts.
    """
    members = organisation.memberships.filter(
        role__in=ROLES[audience], user__is_active=True
    )
    readers = {}
    if audience in WITH_BILLING_ADDRESS:
        for alert in organisation.alert_addresses.exclude(confirmed_at=None):
            readers[alert.address] = Language(alert.language)
        language = Language(organisation.language)
        readers[organisation.billing_email.lower()] = language
    for membership in members.select_related("user"):
        user = membership.user
        readers[user.email.lower()] = Language(user.language)
    return readers
