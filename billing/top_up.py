"""Credit is bought by card: a top-up starts, and later ends (rules 4.1 to 4.5).

Row first, Stripe second and outside any transaction, row third. The same client key
finds the same top-up and the same payment page, so a double click or a reload never
charges twice. Webhook, return from checkout and reconciliation all end in
`finish_top_up`. Both verbs lock the wallet first.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from djmoney.money import Money

from accounts.audit import record_audit
from accounts.models import Organisation, User
from billing import gateway
from billing.amount_limits import check_amount, check_room, terms_of
from billing.apply_outcome import apply_outcome
from billing.models import TopUp
from billing.models.fields import sold_money
from billing.refusals import (
    BillingError,
    ClientKeyReused,
    CreditsNotForSale,
    OrganisationClosed,
    StillRunning,
    judge_sale,
    selling,
)
from billing.tax_rates import read_tax, tax_on
from credits.lock import lock_wallet
from credits.money import Micros

# Longer than every try of every call takes: who died before is taken over after it.
OPENING_LASTS = timedelta(seconds=90)


def start_top_up(
    organisation: Organisation,
    amount: Micros,
    *,
    client_key: str,
    actor: User | None,
    language: str,
    at: datetime,
    purchase_order: str = "",
    ip: str | None = None,
) -> TopUp:
    """The top-up with its payment page; the same client key gives the first again."""
    with selling(), transaction.atomic():
        wallet = lock_wallet(organisation.pk)
        sales = TopUp.objects.filter(organisation=organisation)
        top_up = sales.filter(client_key=client_key).first()
        if top_up is None:
            top_up = _order(organisation, amount, at=at)
            top_up.client_key = client_key
            top_up.purchase_order = purchase_order
            top_up.actor = actor
            judge_sale(top_up)
            terms = terms_of(wallet.currency)
            check_amount(amount, terms)
            check_room(amount, wallet, terms, at=at)
            top_up.full_clean()
            top_up.save()
            _note_start(top_up, ip=ip, at=at)
    if top_up.credit_micros != amount:
        raise ClientKeyReused
    if top_up.is_open and not top_up.checkout_url:
        _open_page(top_up, language=language, at=at)
    return top_up


def finish_top_up(top_up_id: int, *, at: datetime, payment_id: str = "") -> TopUp:
    """Asks Stripe how a top-up ended and acts on it; may be asked any number of times.

    1. Find the payment: the one named, the one known, or that of the payment page.
    2. Fetch it; fetch the page too where the payment is not made.
    3. Compare and act in one transaction, wallet first (`apply_outcome`).
    """
    top_up = TopUp.objects.get(pk=top_up_id)
    wanted = payment_id or top_up.stripe_payment_intent_id
    if top_up.is_paid and not payment_id:
        return top_up
    payment = gateway.fetch_payment(wanted) if wanted else None
    page = None
    if top_up.stripe_session_id and not (payment and payment.is_paid):
        page = gateway.fetch_checkout(top_up.stripe_session_id)
        if page.payment_id and (payment is None or _is_of_a_try(payment, payment_id)):
            payment = gateway.fetch_payment(page.payment_id)
    return apply_outcome(top_up_id, payment, page, at=at)


def _is_of_a_try(payment: gateway.Payment, named: str) -> bool:
    """Charged by itself and refused; what counts now is what its owner pays."""
    return gateway.TRY in payment.metadata and not named


def _order(organisation: Organisation, amount: Micros, *, at: datetime) -> TopUp:
    # Read again: the mode of the row at hand may be old.
    buyer = Organisation.objects.get(pk=organisation.pk)
    rate = read_tax(buyer.country, buyer.local_day(at))
    tax = tax_on(amount, rate, buyer.currency)

    def money(micros: Micros) -> Money:
        return sold_money(micros, buyer.currency)

    return TopUp(
        organisation=buyer,
        credit=money(amount),
        tax=money(tax),
        tax_percent=rate.percent,
        total=money(amount + tax),
        started_at=at,
    )


def _note_start(top_up: TopUp, *, ip: str | None, at: datetime) -> None:
    record_audit(
        "start_top_up",
        at=at,
        organisation=top_up.organisation,
        actor=top_up.actor,
        object=top_up.reference,
        after={"total": str(top_up.total), "billing_mode": top_up.billing_mode},
        ip=ip,
    )


def _open_page(top_up: TopUp, *, language: str, at: datetime) -> None:
    """Asks Stripe for the payment page, once at a time; its key makes it one page."""
    unopened = TopUp.objects.filter(pk=top_up.pk, checkout_url="")
    free = Q(opening_at=None) | Q(opening_at__lte=at - OPENING_LASTS)
    if not unopened.filter(free).update(opening_at=at):
        top_up.refresh_from_db()
        if not top_up.checkout_url:
            raise StillRunning
        return
    try:
        _check_still_sold(top_up)
        customer_id = gateway.ensure_customer(top_up.organisation)
        page = gateway.open_checkout(top_up, customer_id=customer_id, language=language)
    except BaseException:
        unopened.update(opening_at=None)
        raise
    unopened.update(
        stripe_customer_id=customer_id,
        stripe_session_id=page.id,
        checkout_url=page.url,
        opening_at=None,
    )
    top_up.refresh_from_db()
    try:
        _check_still_sold(top_up)
    except BillingError:
        # It moved or closed while Stripe was asked: nobody knew of this page.
        gateway.expire_checkout(page.id)
        raise


def _check_still_sold(top_up: TopUp) -> None:
    """No page for who moved to NCE or was closed meanwhile (rules 2.1 and 1.8)."""
    buyer = Organisation.objects.get(pk=top_up.organisation_id)
    if not buyer.buys_credits:
        raise CreditsNotForSale
    if buyer.closed_at is not None:
        raise OrganisationClosed
