"""The price list for everybody, as a table and a file, and what a call would cost."""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import membership_for, organisation_for
from accounts.models import Organisation
from calling.models import Line
from calling.quote import NotRated, Quote, quote
from calling.rate import RateView
from calling.rates.forms import QuoteForm, RatesForm
from calling.rates.price_list import (
    PriceList,
    PriceRow,
    country_of_rate,
    read_price_list,
)
from calling.rates.who_pays import WhoPays
from credits.country_names import country_name
from credits.money import amount_text
from credits.write_csv import csv_response, local_cell, utc_cell

PAGE_SIZE = 50
HEADING = (
    "prefix",
    "destination",
    "country",
    "number_type",
    "rate_per_minute",
    "connection_charge",
    "first_interval_s",
    "following_intervals_s",
    "smallest_charge",
    "offered",
    "currency",
    "price_since_utc",
    "price_since_local",
    "next_rate_per_minute",
    "next_from_utc",
)


@require_safe
@vary_on_headers("HX-Request")
def rates(request: HttpRequest) -> HttpResponse:
    """Open to all; signed in, the prices are the organisation's own."""
    organisation = organisation_for(request)
    now = timezone.now()
    form, prices = _asked(request, organisation, now)
    found = _rates_for(form, prices) if form.is_valid() and prices else None
    rows = prices.rows(found) if prices and found else []
    page = max(1, _whole(request.GET.get("page", "")))
    first = (page - 1) * PAGE_SIZE
    context = {
        "form": form,
        "prices": prices,
        "organisation": organisation,
        "zone": organisation.zone if organisation else UTC,
        "searched": found is not None,
        "rows": _with_payers(rows[first : first + PAGE_SIZE], form, organisation, now),
        "count": len(rows),
        "before": page - 1 if page > 1 else 0,
        "after": page + 1 if len(rows) > first + PAGE_SIZE else 0,
        "countries": _index(prices) if prices and form.is_open else [],
        "query": _query(form),
        "now": now,
    }
    return render(
        request, _template(request, organisation), context, status=_status(form)
    )


@require_safe
def rates_csv(request: HttpRequest) -> StreamingHttpResponse:
    """All that is asked for, to the last line: a list cut off would be a wrong one."""
    organisation = organisation_for(request)
    form, prices = _asked(request, organisation, timezone.now())
    if prices is None:
        raise Http404
    found = _rates_for(form, prices) if form.is_valid() else None
    rates = prices.everything() if found is None else found
    zone = organisation.zone if organisation else UTC
    name = f"rates-{prices.version.currency}-{prices.version.purpose}.csv"
    return csv_response(name.lower(), HEADING, _csv_rows(prices, rates, zone))


@require_safe
def rates_quote(request: HttpRequest) -> HttpResponse:
    """What a call would cost and who would pay, by the function that charges."""
    organisation = membership_for(request).organisation
    form = QuoteForm(request.GET, organisation=organisation)
    quoted: Quote | None = None
    if form.is_valid():
        line: Line = form.cleaned_data["line"]
        try:
            quoted = quote(
                caller=_number_of(line, timezone.now()),
                callee=form.cleaned_data["to"],
                seconds=form.cleaned_data["length"],
                at=timezone.now(),
                organisation=organisation,
                user=line.identity,
            )
        except NotRated as refused:
            form.add_error("to", str(refused))
    context = {"form": form, "quoted": quoted, "organisation": organisation}
    return render(request, "calling/rates/quote.html", context, status=_status(form))


def _asked(
    request: HttpRequest, organisation: Organisation | None, now: datetime
) -> tuple[RatesForm, PriceList | None]:
    form = RatesForm(request.GET, organisation=organisation)
    prices = read_price_list(
        organisation, form.currency_asked, form.purpose_asked, at=now
    )
    form.offer([one.country for one in prices.countries()] if prices else [])
    return form, prices


def _rates_for(form: RatesForm, prices: PriceList) -> list[RateView] | None:
    """None where neither a number nor a country was asked for."""
    if number := form.cleaned_data["number"]:
        found = prices.find(number)
        return [found] if found is not None else []
    if country := form.cleaned_data["country"]:
        return prices.of_country(country)
    return None


def _with_payers(
    rows: list[PriceRow],
    form: RatesForm,
    organisation: Organisation | None,
    now: datetime,
) -> list[dict[str, object]]:
    if organisation is None:
        return [{"price": row, "payers": ()} for row in rows]
    line = (
        form.cleaned_data.get("line")
        or organisation.lines.filter(is_active=True).first()
    )
    who = WhoPays(organisation, line, at=now)
    return [
        {"price": row, "payers": who.payers(row.rate, form.purpose_asked)}
        for row in rows
    ]


def _index(prices: PriceList) -> list[dict[str, object]]:
    """Countries by name in the reader's language."""
    named = [(country_name(one.country), one) for one in prices.countries()]
    return [
        {"name": name, "prices": one}
        for name, one in sorted(named, key=lambda pair: pair[0])
    ]


def _csv_rows(
    prices: PriceList, rates: list[RateView], zone: tzinfo
) -> Iterator[list[object]]:
    since = prices.held_since([rate.prefix for rate in rates])
    for rate in rates:
        coming = prices.next_price(rate)
        next_rate = coming.rate if coming is not None else None
        yield [
            rate.prefix,
            rate.destination,
            country_of_rate(rate),
            rate.number_type,
            amount_text(rate.rate_per_minute),
            amount_text(rate.connect_fee),
            rate.interval_1,
            rate.interval_n,
            amount_text(rate.minimum_charge),
            "no" if rate.is_blocked else "yes",
            prices.version.currency,
            utc_cell(since[rate.prefix]),
            local_cell(since[rate.prefix], zone),
            amount_text(next_rate.rate_per_minute) if next_rate else "",
            utc_cell(coming.starts_at) if coming else "",
        ]


def _template(request: HttpRequest, organisation: Organisation | None) -> str:
    if request.htmx:  # type: ignore[attr-defined]  # set by its middleware
        return "calling/rates/_rates.html"
    if organisation is None:
        return "calling/rates/rates_signed_out.html"
    return "calling/rates/rates.html"


def _query(form: RatesForm) -> str:
    """What the links to other pages and to the download repeat."""
    return urlencode({name: value for name, value in form.data.items() if value})


def _number_of(line: Line, at: datetime) -> str:
    """The number the line has now, '' for one without."""
    numbers = line.numbers.filter(starts_at__lte=at).exclude(ends_at__lte=at)
    return numbers.values_list("number", flat=True).first() or ""


def _status(form: RatesForm | QuoteForm) -> int:
    return 422 if form.errors else 200


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 1
