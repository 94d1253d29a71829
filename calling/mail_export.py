"""A list of calls too long for one download: written by the worker, mailed as a link.

The link asks for sign-in and works for a week; then the file is forgotten. Writing it
twice gives the same file and one message. Locks nothing.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import ClassVar

from django.db import transaction
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django_q.tasks import async_task

from accounts.models import NoticeKind, Organisation, User
from accounts.notify import owe_notice_to
from accounts.refusals import TollgateError
from calling.call_list import CallFilter, matching_charges
from calling.export_calls import HEADING, calls_to_export
from calling.models import UsageExport
from credits.write_csv import pack_csv

KEPT = timedelta(days=7)
MOST_CALLS = 500_000
MOST_WAITING = 3


class TooManyCalls(TollgateError):
    code: ClassVar[str] = "too_many_calls_to_export"
    sentence: ClassVar[str | Promise] = _(
        "A file holds at most %(most)s calls. Choose a shorter period."
    )
    status: ClassVar[int] = 422


class ExportsWaiting(TollgateError):
    code: ClassVar[str] = "exports_waiting"
    sentence: ClassVar[str | Promise] = _(
        "Your earlier lists are still being written. You get a message for each."
    )


def ask_for_export(
    organisation: Organisation, wanted: CallFilter, *, asked_by: User, at: datetime
) -> UsageExport:
    """Leaves the worker to write the file; raises what it cannot promise."""
    mine = UsageExport.objects.filter(requested_by=asked_by, finished_at=None)
    if mine.filter(organisation=organisation).count() >= MOST_WAITING:
        raise ExportsWaiting
    if matching_charges(organisation, wanted).count() > MOST_CALLS:
        raise TooManyCalls(most=f"{MOST_CALLS:,}")
    with transaction.atomic():
        export = UsageExport.objects.create(
            organisation=organisation,
            requested_by=asked_by,
            query=_query_of(wanted),
            requested_at=at,
        )
        async_task("calling.jobs.write_export", export.pk)
    return export


def write_export(export_id: int, *, at: datetime) -> UsageExport:
    """The file, and the message that it is there."""
    export = UsageExport.objects.select_related("organisation", "requested_by").get(
        pk=export_id
    )
    if export.finished_at is not None:
        return export
    organisation, wanted = export.organisation, _filter_of(export.query)
    calls = 0

    def rows() -> Iterator[list[object]]:
        nonlocal calls
        for row in calls_to_export(organisation, wanted, most=MOST_CALLS):
            calls += 1
            yield row

    content = pack_csv(HEADING, rows())
    with transaction.atomic():
        export.content, export.calls = content, calls
        export.finished_at, export.expires_at = at, at + KEPT
        export.save()
        owe_notice_to(
            export.requested_by,
            NoticeKind.USAGE_EXPORT,
            organisation=organisation,
            episode=f"usage-export:{export.pk}",
            context={
                "first": _midnight(wanted.first, organisation),
                "last": _midnight(wanted.last, organisation),
                "calls": calls,
                "expires_at": export.expires_at.isoformat(),
                "path": reverse("usage_export", args=[export.pk]),
            },
            at=at,
        )
    return export


def forget_exports(at: datetime) -> int:
    """Drops the files whose week is over; how many."""
    over = UsageExport.objects.filter(expires_at__lte=at, content__isnull=False)
    return over.update(content=None)


def _midnight(day: date, organisation: Organisation) -> str:
    """An instant of the day, as notices carry it."""
    return datetime.combine(day, time(), organisation.zone).isoformat()


def _query_of(wanted: CallFilter) -> dict[str, object]:
    return {
        "first": wanted.first.isoformat(),
        "last": wanted.last.isoformat(),
        "line_id": wanted.line_id,
        "destination": wanted.destination,
        "kind": wanted.kind,
        "paid_by": wanted.paid_by,
        "department": wanted.department,
    }


def _filter_of(query: Mapping[str, object]) -> CallFilter:
    first, last = (date.fromisoformat(str(query[name])) for name in ("first", "last"))
    others = {name: query[name] for name in query if name not in {"first", "last"}}
    return CallFilter(first, last, **others)  # type: ignore[arg-type]  # as written above
