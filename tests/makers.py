"""Makes rows for tests; each maker gives a valid thing with as few words as it can."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.db import transaction
from django.db.models import F
from djmoney.money import Money

from accounts.models import (
    BillingMode,
    BillingModePeriod,
    Membership,
    Organisation,
    Role,
    User,
)
from billing.models import StaffPayment, TopUp, TopUpState, TopUpTerms
from calling.models import LineMonth, MinutePool
from credits.issue import issue_lot
from credits.lock import lock_wallet
from credits.models import Hold, Lot, LotKind, Wallet
from credits.money import to_micros
from credits.refresh import refresh_wallets

START = datetime(2026, 1, 1, tzinfo=UTC)
_numbers = count(1)


def make_user(email: str = "", *, name: str = "", is_staff: bool = False) -> User:
    email = email or f"user{next(_numbers)}@example.com"
    return User.objects.create_user(
        email, "correct horse battery", name=name, is_staff=is_staff
    )


def make_organisation(
    name: str = "",
    *,
    slug: str = "",
    billing_mode: BillingMode = BillingMode.PREPAID,
    country: str = "TW",
    currency: str = "USD",
    time_zone: str = "Asia/Taipei",
    at: datetime = START,
) -> Organisation:
    """An organisation with its first mode period and an empty wallet."""
    number = next(_numbers)
    slug = slug or f"org-{number}"
    organisation = Organisation.objects.create(
        name=name or f"Organisation {number}",
        slug=slug,
        account_code=slug.upper(),
        country=country,
        currency=currency,
        time_zone=time_zone,
        billing_email=f"billing@{slug}.example",
        billing_mode=billing_mode,
        terms_version="1",
        opened_at=at,
    )
    BillingModePeriod.objects.create(
        organisation=organisation, billing_mode=billing_mode, starts_at=at
    )
    Wallet.objects.create(organisation=organisation, currency=currency)
    return organisation


def make_member(organisation: Organisation, user: User, role: Role) -> Membership:
    return Membership.objects.create(organisation=organisation, user=user, role=role)


def make_terms(
    currency: str = "USD",
    *,
    minimum: str = "50",
    maximum: str = "10000",
    maximum_balance: str = "50000",
) -> TopUpTerms:
    return TopUpTerms.objects.create(
        currency=currency,
        minimum=Money(minimum, currency),
        maximum=Money(maximum, currency),
        maximum_balance=Money(maximum_balance, currency),
    )


def make_top_up(
    organisation: Organisation,
    amount: str = "50",
    *,
    tax: str = "0",
    state: TopUpState = TopUpState.PAID,
    payment: str = "",
    at: datetime = START,
) -> TopUp:
    """A sale row without its lot; a paid one may be named by a lot of that amount."""
    number = next(_numbers)
    money = Money(amount, organisation.currency)
    total = money + Money(tax, organisation.currency)
    paid = state == TopUpState.PAID
    return TopUp.objects.create(
        organisation=organisation,
        client_key=f"client-key-{number}",
        state=state,
        credit=money,
        tax=Money(tax, organisation.currency),
        total=total,
        received=total if paid else Money(0, organisation.currency),
        started_at=at,
        paid_at=at if paid else None,
        ended_at=at if paid else None,
        stripe_payment_intent_id=(payment or f"pi_{number}") if paid else "",
        receipt_number=f"T-{number:04d}" if paid else "",
    )


def make_staff_payment(
    organisation: Organisation, amount: str = "50", *, by: User, at: datetime = START
) -> StaffPayment:
    """A sale row without its lot."""
    return StaffPayment.objects.create(
        organisation=organisation,
        bank_reference=f"bank-{next(_numbers)}",
        amount=Money(amount, organisation.currency),
        recorded_by=by,
        recorded_at=at,
    )


def make_lot(
    organisation: Organisation,
    amount: str = "50",
    *,
    kind: LotKind = LotKind.PROMOTIONAL,
    at: datetime = START,
    months: int | None = None,
    expires_at: datetime | None = None,
    reference: str = "",
) -> Lot:
    """Credit issued by the verb, with its sale row where the kind is sold."""
    if kind == LotKind.PROMOTIONAL and expires_at is None:
        months = months or 12
    return issue_lot(
        organisation,
        kind=kind,
        amount=to_micros(amount),
        reference=reference or f"{kind.value}:{next(_numbers)}",
        at=at,
        sale_id=_make_sale(organisation, kind, amount, at),
        months=months,
        expires_at=expires_at,
    )


def _make_sale(
    organisation: Organisation, kind: LotKind, amount: str, at: datetime
) -> int | None:
    if not kind.is_sold:
        return None
    if kind == LotKind.STAFF_PAYMENT:
        staff = make_user(is_staff=True)
        return make_staff_payment(organisation, amount, by=staff, at=at).pk
    return make_top_up(organisation, amount, at=at).pk


def make_hold(
    organisation: Organisation,
    amount: str = "1",
    *,
    key: str = "",
    at: datetime = START,
    lasts: timedelta = timedelta(minutes=30),
    pool: MinutePool | None = None,
    pool_seconds: int = 0,
    line_month: LineMonth | None = None,
    **more: Any,
) -> Hold:
    """A call in progress, and what it has set aside in wallet, pool and line month."""
    with transaction.atomic():
        wallet = lock_wallet(organisation.pk)
        hold = Hold.objects.create(
            organisation=organisation,
            call_key=key or f"pbx:call-{next(_numbers)}",
            amount=to_micros(amount),
            pool_id=pool.pk if pool is not None else None,
            pool_seconds=pool_seconds,
            line_month_id=line_month.pk if line_month is not None else None,
            granted_seconds=int(lasts.total_seconds()),
            opened_at=at,
            deadline_at=at + lasts,
            **{"source_id": 0, "kind": "international", **more},
        )
        if pool is not None:
            reserved = F("reserved_seconds") + pool_seconds
            MinutePool.objects.filter(pk=pool.pk).update(reserved_seconds=reserved)
        if line_month is not None:
            held = F("reserved") + hold.amount
            LineMonth.objects.filter(pk=line_month.pk).update(reserved=held)
        wallet.reserved += hold.amount
        wallet.live_calls += 1
        refresh_wallets([wallet])
    return hold
