"""What a line with a monthly limit has spent in a month, kept while it is needed.

A row is made from the line's charges when first asked for, under the wallet's lock, and
moved by every settlement and correction from then on (rules 1.4 and 3.10). A line that
loses its limit loses its rows, by a trigger; lines without a limit cost nothing, and
what they have spent is added up when somebody asks.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Sum

from calling.call import Call
from calling.line_facts import Lines
from calling.models import Charge, Line, LineMonth
from credits.bulk import array_of
from credits.lock import lock_wallet
from credits.money import Micros


def line_month_of(line: Line, month: date) -> LineMonth:
    """The line's row of a month, made if it is not there; the wallet is locked."""
    found = LineMonth.objects.filter(
        organisation=line.organisation_id, line=line, month=month
    ).first()
    if found is not None:
        return found
    spent = _added_up(line.organisation_id, [line.pk], month)
    return LineMonth.objects.create(
        organisation_id=line.organisation_id,
        line=line,
        month=month,
        spent=spent.get(line.pk, 0),
    )


def keep_line_months(
    organisation_id: int, line_ids: Collection[int], month: date
) -> None:
    """Makes the rows that limited lines lack; locks the wallet only if one is lacking.

    From then on nobody adds up what these lines have spent in the month.
    """
    if not _without_row(organisation_id, line_ids, month):
        return
    with transaction.atomic():
        lock_wallet(organisation_id)
        lacking = _without_row(organisation_id, line_ids, month)
        spent = _added_up(organisation_id, lacking, month)
        LineMonth.objects.bulk_create(
            LineMonth(
                organisation_id=organisation_id,
                line_id=pk,
                month=month,
                spent=spent.get(pk, 0),
            )
            for pk in lacking
        )


def spent_in_month(
    organisation_id: int, line_ids: Collection[int], month: date
) -> dict[int, Micros]:
    """By line, what its calls of a month cost beyond plans; at most two statements.

    Read where it is kept; added up for the lines that keep no months.
    """
    rows = LineMonth.objects.filter(
        organisation=organisation_id, line__in=line_ids, month=month
    )
    kept = dict(rows.values_list("line_id", "spent"))
    others = [pk for pk in line_ids if pk not in kept]
    return kept | _added_up(organisation_id, others, month) if others else kept


def _without_row(
    organisation_id: int, line_ids: Collection[int], month: date
) -> list[int]:
    """Lines that have a limit still, and no row of the month."""
    limited = Line.objects.filter(
        organisation=organisation_id, pk__in=line_ids, monthly_limit__isnull=False
    )
    kept = LineMonth.objects.filter(line=OuterRef("pk"), month=month)
    return list(
        limited.exclude(Exists(kept)).order_by("pk").values_list("pk", flat=True)
    )


def _added_up(
    organisation_id: int, line_ids: Collection[int], month: date
) -> dict[int, Micros]:
    """By line, what its charges of a month come to beyond plans; one statement."""
    following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    spent = (
        Charge.objects.filter(
            organisation=organisation_id,
            local_day__gte=month,
            local_day__lt=following,
            line__in=line_ids,
            call_record__revision=F("revision"),
        )
        .order_by()
        .values_list("line_id")
        .annotate(amount=Sum(F("rated_amount") - F("pool_amount")))
    )
    return {pk: amount for pk, amount in spent if pk is not None}


def add_to_line_months(calls: Iterable[Call], lines: Lines) -> None:
    """Adds what a settled batch cost its limited lines; one statement or none."""
    limited = {
        line.id for line in lines.by_id.values() if line.monthly_limit is not None
    }
    sums: dict[tuple[int, date], Micros] = defaultdict(int)
    for call in calls:
        if call.line is not None and call.line.id in limited and call.rated:
            key = (call.line.id, call.local_day.replace(day=1))
            sums[key] += call.rated.amount - call.parts.pool_amount
        previous = call.previous
        if previous is not None and previous.line_id is not None:
            key = (previous.line_id, previous.local_day.replace(day=1))
            sums[key] -= previous.rated_amount - previous.pool_amount
    rows = [(*key, amount) for key, amount in sorted(sums.items()) if amount]
    if not rows:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            columns = list(map(array_of, zip(*rows, strict=True)))
            cursor.execute(_ADD_ARRAYS, columns)
        else:
            cursor.executemany(_ADD, [(more, pk, str(on)) for pk, on, more in rows])


_ADD_ARRAYS = """UPDATE calling_linemonth AS old SET spent = old.spent + more.amount
FROM unnest(%s::bigint[], %s::date[], %s::bigint[]) AS more (line_id, month, amount)
WHERE old.line_id = more.line_id AND old.month = more.month"""
_ADD = """UPDATE calling_linemonth SET spent = spent + %s
WHERE line_id = %s AND month = %s"""
