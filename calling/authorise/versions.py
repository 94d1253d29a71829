"""Whether what a question was judged by still stands (rule 9.1)."""

from accounts.keys import forget_keys
from calling.authorise.judge_question import Judged
from calling.authorise.remember import forget, forget_organisation
from calling.reference import read_facts_counts


def are_current(judged: Judged) -> bool:
    """Asked by who holds the wallet's lock, so that it stays so."""
    return read_facts_counts(judged.call.organisation_id) == judged.versions


def forget_changed(judged: Judged) -> None:
    """Drops what has changed since the question was judged, keys included."""
    organisation_id = judged.call.organisation_id
    now, judged_at = read_facts_counts(organisation_id), judged.versions
    if now.provider != judged_at.provider:
        forget_keys()
    forget((now.provider, now.numbers))
    if now.organisation != judged_at.organisation:
        forget_organisation(organisation_id)
