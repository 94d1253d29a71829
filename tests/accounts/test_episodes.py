"""Episodes: one while a condition holds, another only once it has ended (rule 11)."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, close_old_connections, connection, transaction

from accounts.episodes import close_episode, open_episode, open_kinds
from accounts.models import NoticeEpisode, NoticeKind, Organisation
from tests.makers import START

LOW, CARD = NoticeKind.LOW_BALANCE, NoticeKind.CARD_EXPIRING
LATER = START + timedelta(hours=1)


def test_an_episode_is_open_once_until_it_is_closed(formosa: Organisation) -> None:
    first = open_episode(LOW, organisation=formosa, threshold=5, at=START)
    assert first is not None
    assert open_episode(LOW, organisation=formosa, at=LATER) is None
    assert open_kinds(formosa) == {LOW}
    assert close_episode(LOW, organisation=formosa, at=LATER)
    assert not close_episode(LOW, organisation=formosa, at=LATER)
    again = open_episode(LOW, organisation=formosa, at=LATER)
    assert again is not None
    assert again.key != first.key


def test_each_subject_and_organisation_has_its_own(
    formosa: Organisation, contoso: Organisation
) -> None:
    for organisation in (formosa, contoso):
        for subject in ("card:1", "card:2"):
            opened = open_episode(
                CARD, organisation=organisation, subject=subject, at=START
            )
            assert opened is not None
    assert close_episode(CARD, organisation=formosa, subject="card:1", at=LATER)
    assert NoticeEpisode.objects.filter(closed_at=None).count() == 3


def test_an_episode_does_not_end_before_it_began(formosa: Organisation) -> None:
    open_episode(LOW, organisation=formosa, at=LATER)
    refused = pytest.raises(IntegrityError, match="episode_closes_later")
    with refused, transaction.atomic():
        close_episode(LOW, organisation=formosa, at=START)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_open_it_at_once_one_does(formosa: Organisation) -> None:
    together = threading.Barrier(2)
    opened: list[NoticeEpisode | None] = []

    def watch() -> None:
        together.wait()
        opened.append(open_episode(LOW, organisation=formosa, at=START))
        close_old_connections()
        connection.close()

    watchers = [threading.Thread(target=watch) for _watcher in range(2)]
    for watcher in watchers:
        watcher.start()
    for watcher in watchers:
        watcher.join()
    assert len(opened) == 2
    assert sum(episode is not None for episode in opened) == 1
    assert NoticeEpisode.objects.count() == 1
