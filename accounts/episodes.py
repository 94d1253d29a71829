"""Opens and closes episodes: what a condition is told of once, until it has cleared.

Rule 11: a notice is sent once while its condition holds, and again only after the
condition had cleared by 10 %; whoever watches the condition knows what that means for
it. Both verbs are safe to repeat and to race: one caller wins. Locks nothing.
"""

from datetime import datetime

from accounts.models import NoticeEpisode, NoticeKind, Organisation


def open_episode(
    kind: NoticeKind,
    *,
    organisation: Organisation,
    at: datetime,
    subject: str = "",
    threshold: int | None = None,
) -> NoticeEpisode | None:
    """The episode that begins now, or None while one is open already.

    Its `key` is the episode that `owe_notice` is given, in the same transaction.
    """
    episode, is_new = NoticeEpisode.objects.get_or_create(
        organisation=organisation,
        kind=kind,
        subject=subject,
        closed_at=None,
        defaults={"opened_at": at, "threshold": threshold},
    )
    return episode if is_new else None


def close_episode(
    kind: NoticeKind, *, organisation: Organisation, at: datetime, subject: str = ""
) -> bool:
    """Re-arms the notice; False where no episode was open."""
    running = NoticeEpisode.objects.filter(
        organisation=organisation, kind=kind, subject=subject, closed_at=None
    )
    return bool(running.update(closed_at=at))


def open_kinds(organisation: Organisation) -> set[NoticeKind]:
    """The kinds that were told of and have not cleared, subjects aside."""
    running = NoticeEpisode.objects.filter(organisation=organisation, closed_at=None)
    return {NoticeKind(kind) for kind in running.values_list("kind", flat=True)}
