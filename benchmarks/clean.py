"""A run counts only when its state is proven clean afterwards."""

import io
import json
from datetime import datetime

from django.core.management import call_command
from django.db import connection


class NotClean(Exception):
    """The run has no result; the sentence says why."""


def check_clean(at: datetime) -> None:
    """Asks `verify_ledger` about the whole database."""
    # So many new rows: without figures about them the searches take for ever.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    said = io.StringIO()
    try:
        call_command("verify_ledger", "--json", "--at", at.isoformat(), stdout=said)
    except SystemExit as ended:
        if ended.code:
            breaches = json.loads(said.getvalue() or "{}").get("breaches", [])
            raise NotClean(f"verify_ledger found {breaches[:3]}") from ended
