"""Whether what a question was judged by still stands (rule 9.1)."""

from django.db import connection

from calling.authorise.judge_question import Versions
from credits.models import Wallet

_READ = """SELECT coalesce((SELECT provider FROM calling_factsversion), 1),
  coalesce((SELECT numbers FROM calling_factsversion), 1),
  coalesce((SELECT facts_version FROM credits_wallet WHERE organisation_id = %s), 0)"""


def read_versions(organisation_id: int) -> Versions:
    """The counts as they are now; one statement. 0 stands for no organisation."""
    with connection.cursor() as cursor:
        cursor.execute(_READ, [organisation_id])
        return Versions(*cursor.fetchone())


def are_current(judged_by: Versions, wallet: Wallet) -> bool:
    """For who holds the wallet's lock."""
    return read_versions(wallet.organisation_id) == judged_by
