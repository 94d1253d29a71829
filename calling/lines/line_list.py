"""Lines with their numbers and plans, a page at a time, and what a month cost them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Prefetch, Q, QuerySet

from accounts.models import Organisation
from calling.line_months import spent_in_month
from calling.lines.read_csv import amount_cell, yes_no
from calling.models import Licence, Line, NumberAssignment
from credits.funds import share_text
from credits.money import Micros

PAGE_SIZE = 50


@dataclass(frozen=True)
class LinesPage:
    rows: list[Line]
    total: int
    number: int
    pages: int

    @property
    def before(self) -> int:
        return self.number - 1

    @property
    def after(self) -> int:
        return self.number + 1 if self.number < self.pages else 0


def find_lines(organisation: Organisation, words: str, at: datetime) -> QuerySet[Line]:
    """Name, identity, department or number hold every word; with numbers and plans."""
    lines = Line.objects.filter(organisation=organisation)
    for word in words.split()[:5]:
        number = Q(
            pk__in=NumberAssignment.objects.filter(
                organisation=organisation, ends_at=None, number__contains=word
            ).values("line_id")
        )
        lines = lines.filter(
            Q(name__icontains=word)
            | Q(identity__icontains=word)
            | Q(department__icontains=word)
            | number
        )
    numbers = NumberAssignment.objects.filter(ends_at=None).order_by("number")
    licences = Licence.objects.filter(
        Q(released_at=None),
        Q(subscription__ends_at=None) | Q(subscription__ends_at__gt=at),
    ).select_related("subscription__plan")
    return lines.order_by("-is_active", "name", "pk").prefetch_related(
        Prefetch("numbers", numbers, to_attr="open_numbers"),
        Prefetch("licences", licences, to_attr="open_licences"),
    )


def read_lines_page(
    organisation: Organisation, words: str, *, page: int, at: datetime
) -> LinesPage:
    """Four statements, whatever the number of lines."""
    found = find_lines(organisation, words, at)
    total = found.count()
    pages = max(1, -(-total // PAGE_SIZE))
    page = min(max(page, 1), pages)
    rows = list(found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE])
    return LinesPage(rows, total, page, pages)


def csv_lines(organisation: Organisation, at: datetime) -> Iterator[list[object]]:
    for line in find_lines(organisation, "", at):
        numbers = getattr(line, "open_numbers", ())
        yield [
            line.name,
            line.kind,
            line.identity,
            line.usage_country,
            line.department,
            yes_no(value=line.may_spend_credits),
            amount_cell(line.monthly_warning),
            amount_cell(line.monthly_limit),
            yes_no(value=line.is_active),
            " ".join(one.number for one in numbers),
        ]


def spent_this_month(
    organisation: Organisation, line_ids: Collection[int], *, today: date
) -> dict[int, Micros]:
    """By line, what its calls beyond plans cost since the month began."""
    return spent_in_month(organisation.pk, line_ids, today.replace(day=1))


@dataclass(frozen=True)
class LineMonth:
    """What a line's calls cost this month, beside its limit."""

    spent: Micros
    warning: Micros | None
    limit: Micros | None

    @property
    def share(self) -> str:
        return share_text(min(self.spent, self.limit or 0), self.limit or 0)

    @property
    def is_over(self) -> bool:
        return self.limit is not None and self.spent >= self.limit

    @property
    def is_warned(self) -> bool:
        return self.warning is not None and self.spent >= self.warning


def read_line_month(line: Line, *, today: date) -> LineMonth:
    spent = spent_this_month(line.organisation, [line.pk], today=today)
    return LineMonth(spent.get(line.pk, 0), line.monthly_warning, line.monthly_limit)
