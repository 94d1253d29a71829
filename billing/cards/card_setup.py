"""A card is saved for later: at Stripe's page, where nothing is charged (rule 5.1).

Saving a card sells nothing: auto-recharge needs one, and so do the invoices of who is
billed after use.

Row first, Stripe second and outside any transaction, row third. The webhook, the return
from the page and the sweep all end in `finish_card_setup`. Both verbs lock the wallet
first; a card that was saved before stays the one row it was.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from accounts.audit import record_audit
from accounts.models import Organisation, User
from accounts.staff_tasks import raise_staff_task
from billing import gateway
from billing.cards.card_gateway import (
    CARD_SETUP,
    CardFacts,
    SetupOutcome,
    detach_payment_method,
    fetch_payment_method,
    fetch_setup,
    open_card_setup,
)
from billing.cards.keep_card import keep_card
from billing.cards.payment_methods import charge_from_now_on
from billing.models import CardSetup, CardSetupState
from billing.refusals import PaymentsUnavailable
from credits.lock import lock_wallet

logger = logging.getLogger(__name__)

NOT_ATTRIBUTED = "card_not_attributed"
PAGE_LASTS = timedelta(hours=24)  # at Stripe
# The webhook usually was quicker; after this we ask.
ASK_AFTER = timedelta(minutes=2)
# A page that reloads itself asks this often at most.
LOOK_EVERY = timedelta(seconds=3)


def start_card_setup(
    organisation: Organisation,
    *,
    client_key: str,
    actor: User,
    language: str,
    at: datetime,
    becomes_default: bool = False,
    ip: str | None = None,
) -> CardSetup:
    """The set-up with Stripe's page; the same client key gives the first again."""
    with transaction.atomic():
        lock_wallet(organisation.pk)
        setup, is_new = CardSetup.objects.get_or_create(
            organisation=organisation,
            client_key=client_key,
            defaults={
                "actor": actor,
                "started_at": at,
                "becomes_default": becomes_default,
            },
        )
        if is_new:
            record_audit(
                "start_card_setup",
                at=at,
                organisation=organisation,
                actor=actor,
                object=setup.reference,
                ip=ip,
            )
    if setup.state == CardSetupState.STARTED and not setup.checkout_url:
        _open_page(setup, language=language)
    return setup


def finish_card_setup(setup_id: int, *, at: datetime) -> CardSetup:
    """Asks Stripe what became of it and saves the card; may be asked any number of
    times. The leftover of a card that was saved before is let go last."""
    setup = CardSetup.objects.select_related("organisation").get(pk=setup_id)
    if setup.state != CardSetupState.DONE:
        outcome, card = None, None
        customer_id = ""
        if setup.stripe_session_id:
            outcome = fetch_setup(setup.stripe_session_id)
            customer_id = gateway.ensure_customer(setup.organisation)
        if outcome is not None and outcome.is_saved:
            card = fetch_payment_method(outcome.card_id)
        setup = _apply(setup, outcome, card, customer_id, at=at)
    if setup.leftover:
        _let_go(setup)
    return setup


def look_again(setup: CardSetup, *, at: datetime) -> CardSetup:
    """A quick look when the customer returns; the sweep looks again later."""
    looked = setup.looked_at
    is_over = setup.state == CardSetupState.DONE
    if is_over or (looked is not None and at - looked < LOOK_EVERY):
        return setup
    try:
        return finish_card_setup(setup.pk, at=at)
    except PaymentsUnavailable:
        return setup


def finish_card_setups(at: datetime, *, limit: int = 50) -> int:
    """Asks about open set-ups, the longest unasked first; how many were asked about.

    Called again with the same moment, it goes on with the others.
    """
    unasked = Q(looked_at=None) | Q(looked_at__lt=at)
    is_open = Q(state=CardSetupState.STARTED, started_at__lte=at - ASK_AFTER)
    waiting = CardSetup.objects.filter(is_open | ~Q(leftover=""), unasked)
    waiting = waiting.order_by(F("looked_at").asc(nulls_first=True), "pk")
    asked = 0
    for setup_id in waiting.values_list("pk", flat=True)[:limit]:
        # Noted first: one that cannot be asked about must not block the others.
        CardSetup.objects.filter(pk=setup_id).update(looked_at=at)
        try:
            finish_card_setup(setup_id, at=at)
        except PaymentsUnavailable:
            break
        except Exception:
            logger.exception("card set-up %s could not be finished", setup_id)
        asked += 1
    return asked


def _open_page(setup: CardSetup, *, language: str) -> None:
    """Asks Stripe for its page; the set-up's key makes it one page."""
    customer_id = gateway.ensure_customer(setup.organisation)
    page = open_card_setup(setup, customer_id=customer_id, language=language)
    CardSetup.objects.filter(pk=setup.pk, checkout_url="").update(
        stripe_session_id=page.id, checkout_url=page.url
    )
    setup.refresh_from_db()


def _apply(
    setup: CardSetup,
    outcome: SetupOutcome | None,
    card: CardFacts | None,
    customer_id: str,
    *,
    at: datetime,
) -> CardSetup:
    """What Stripe said is acted upon once, in one transaction, wallet first."""
    with transaction.atomic():
        lock_wallet(setup.organisation_id)
        found = CardSetup.objects.select_for_update().get(pk=setup.pk)
        found.looked_at = at
        if found.state == CardSetupState.DONE:
            pass  # somebody else was quicker
        elif outcome is None or card is None:
            is_old = found.started_at <= at - PAGE_LASTS
            if (outcome and outcome.is_expired) or (outcome is None and is_old):
                found.state, found.ended_at = CardSetupState.ABANDONED, at
        elif _is_ours(found, outcome, customer_id):
            _save_card(found, outcome, card, at=at)
        else:
            _tell_staff(found, card, at=at)
        found.save()
    return found


def _is_ours(setup: CardSetup, outcome: SetupOutcome, customer_id: str) -> bool:
    named = outcome.metadata.get(CARD_SETUP), outcome.metadata.get(gateway.ORGANISATION)
    ours = str(setup.pk), str(setup.organisation_id)
    return named == ours and outcome.customer_id == customer_id


def _save_card(
    setup: CardSetup, outcome: SetupOutcome, card: CardFacts, *, at: datetime
) -> None:
    kept = keep_card(
        setup.organisation,
        card,
        customer_id=outcome.customer_id,
        is_reusable=outcome.is_reusable,
        actor=setup.actor,
        at=at,
    )
    setup.payment_method, setup.leftover = kept.method, kept.leftover
    setup.state, setup.ended_at = CardSetupState.DONE, at
    cards = setup.organisation.payment_methods.kept()
    is_wanted = setup.becomes_default or not cards.filter(is_default=True).exists()
    if is_wanted and kept.method.may_be_charged(setup.organisation.local_day(at)):
        charge_from_now_on(kept.method, actor=setup.actor, at=at)


def _tell_staff(setup: CardSetup, card: CardFacts, *, at: datetime) -> None:
    raise_staff_task(
        NOT_ATTRIBUTED,
        reference=card.id,
        detail=f"{setup.reference}: Stripe names another set-up or customer.",
        organisation=setup.organisation,
        at=at,
    )


def _let_go(setup: CardSetup) -> None:
    """Stripe kept the same card twice; what it kept before is let go."""
    try:
        detach_payment_method(setup.leftover)
    except PaymentsUnavailable:
        return  # the sweep does it
    CardSetup.objects.filter(pk=setup.pk).update(leftover="")
    setup.leftover = ""
