"""Owes a message to everybody who must know: one outbox row per billing contact.

Called inside the transaction of the deed, so that the message is owed exactly when the
deed stands; `accounts/send.py` delivers it afterwards. One message per kind, episode
and address, however often it is owed (rule 11). Nothing is formatted here: amounts stay
in micros and instants in ISO text until the recipient's language is at hand.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django_q.tasks import async_task

from accounts.models import Language, Notice, NoticeKind, Organisation, Role, User

TOLD_ABOUT_MONEY = (Role.OWNER, Role.BILLING_ADMIN)


def owe_notice(
    kind: NoticeKind,
    *,
    organisation: Organisation,
    episode: str,
    context: Mapping[str, str | int],
    at: datetime,
) -> list[Notice]:
    """The messages of this episode, made now where they were not owed before."""
    contacts = billing_contacts(organisation)
    return _owe(kind, contacts, organisation, episode, context, at)


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
    return _owe(kind, contact, organisation, episode, context, at)


def _owe(  # noqa: PLR0917  # a row of the outbox, column by column
    kind: NoticeKind,
    contacts: Mapping[str, Language],
    organisation: Organisation,
    episode: str,
    context: Mapping[str, str | int],
    at: datetime,
) -> list[Notice]:
    missing = kind.facts - context.keys()
    if missing:
        raise ValueError(f"A {kind} notice needs {', '.join(sorted(missing))}.")
    with transaction.atomic():
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


def billing_contacts(organisation: Organisation) -> dict[str, Language]:
    """Addresses of those told about money, each once, and the language of each."""
    told = organisation.memberships.filter(
        role__in=TOLD_ABOUT_MONEY, user__is_active=True
    )
    contacts = {
        organisation.billing_email.lower(): Language(organisation.language),
    }
    for membership in told.select_related("user"):
        user = membership.user
        contacts[user.email.lower()] = Language(user.language)
    return contacts
