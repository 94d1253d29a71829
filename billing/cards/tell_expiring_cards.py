"""Tells of saved cards that expire soon, once for each expiry date (rule 11)."""

from calendar import monthrange
from datetime import date, datetime, timedelta

from django.db.models import Q
from django.urls import reverse

from accounts.models import NoticeKind
from accounts.notify import owe_notice
from billing.models import PaymentMethod

TOLD_BEFORE = timedelta(days=30)  # the last day
ZONES_REACH = timedelta(days=1)  # it may be tomorrow already where the card is


def expiring_cards(at: datetime) -> list[PaymentMethod]:
    """Kept cards whose last day is within thirty days, where the organisation is."""
    months = {
        ((at + ahead).year, (at + ahead).month)
        for ahead in (-ZONES_REACH, ZONES_REACH, TOLD_BEFORE + ZONES_REACH)
    }
    soon = Q()
    for year, month in months:
        soon |= Q(expiry_year=year, expiry_month=month)
    kept = PaymentMethod.objects.kept().filter(soon).select_related("organisation")
    return [
        method
        for method in kept.order_by("pk")
        if timedelta(0)
        <= last_day_of(method) - method.organisation.local_day(at)
        <= TOLD_BEFORE
    ]


def tell_of_expiring_cards(at: datetime) -> int:
    """Owes the messages; how many cards they are about."""
    found = expiring_cards(at)
    for method in found:
        last, today = last_day_of(method), method.organisation.local_day(at)
        owe_notice(
            NoticeKind.CARD_EXPIRING,
            organisation=method.organisation,
            episode=f"{method.reference}:{last:%Y-%m}",
            context={
                "brand": method.brand_name,
                "last_four": method.last_four,
                "expires_on": last.isoformat(),
                "this_month": int((last.year, last.month) == (today.year, today.month)),
                "path": reverse("payment_methods"),
            },
            at=at,
        )
    return len(found)


def last_day_of(method: PaymentMethod) -> date:
    """A card is good to the last day of its month."""
    year, month = method.expires_in
    return date(year, month, monthrange(year, month)[1])
