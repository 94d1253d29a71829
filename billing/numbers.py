"""Hands out receipt numbers: one after the other, without gaps, per year.

The series' row stays locked until the document that bears the number is committed, so
a number that was rolled back is given to the next.
"""

from datetime import datetime

from django.db import transaction

from accounts.models import Organisation
from billing.models import NumberSeries


def take_receipt_number(organisation: Organisation, *, at: datetime) -> str:
    """`R-2026-0001`; the year is the organisation's own (rule 12)."""
    return take_number(f"R-{organisation.local_day(at).year}")


def take_number(series: str) -> str:
    with transaction.atomic():
        NumberSeries.objects.get_or_create(name=series)
        row = NumberSeries.objects.select_for_update().get(name=series)
        row.last += 1
        row.save(update_fields=["last"])
    return str(row)
