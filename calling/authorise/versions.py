"""Whether what a question was judged by still stands (rule 9.1)."""

from django.db import connection

from accounts.keys import forget_keys
from calling.authorise.judge_question import Judged, Versions
from calling.authorise.remember import forget, forget_organisation

_READ = """SELECT coalesce((SELECT provider FROM calling_factsversion), 1),
  coalesce((SELECT numbers FROM calling_factsversion), 1),
  coalesce((SELECT facts_version FROM credits_wallet WHERE organisation_id = %s), 0)"""


def are_current(judged: Judged) -> bool:
    """Asked by who holds the wallet's lock, so that it stays so."""
    return _now(judged) == judged.versions


def forget_changed(judged: Judged) -> None:
    """Drops what has changed since the question was judged, keys included."""
    now, judged_at = _now(judged), judged.versions
    if now.provider != judged_at.provider:
        forget_keys()
    forget((now.provider, now.numbers))
    if now.organisation != judged_at.organisation:
        forget_organisation(judged.call.organisation_id)


def _now(judged: Judged) -> Versions:
    """The counts as they are; one statement. 0 stands for no organisation."""
    with connection.cursor() as cursor:
        cursor.execute(_READ, [judged.call.organisation_id])
        return Versions(*cursor.fetchone())
