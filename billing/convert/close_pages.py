"""Closes the payment pages of an organisation that buys no more (rule 2.3).

A page that was paid before stays as it is, and is delivered (rule 2.2). Stripe is asked
outside any transaction; where it does not answer, `reconcile_top_ups` asks again.
"""

import logging
from datetime import datetime

from django.db.models import Q

from billing.apply_outcome import PAGE_LASTS
from billing.gateway import expire_checkout
from billing.models import TopUp, TopUpState
from billing.refusals import PaymentsUnavailable
from billing.top_up import finish_top_up

logger = logging.getLogger(__name__)


def close_payment_pages(organisation_id: int, *, at: datetime) -> int:
    """How many pages were closed, as far as Stripe answers."""
    is_open = Q(state__in=[TopUpState.STARTED, TopUpState.PROCESSING])
    # A recharge that has ended may have a page on which it was to be approved (5.6).
    was_open = Q(state=TopUpState.FAILED, ended_at__gt=at - PAGE_LASTS)
    mine = TopUp.objects.filter(is_open | was_open, organisation=organisation_id)
    closed = 0
    try:
        for top_up in mine.exclude(stripe_session_id="").order_by("pk"):
            close_payment_page(top_up, at=at)
            closed += 1
    except PaymentsUnavailable:
        logger.warning("open payment pages of %s are closed later", organisation_id)
    return closed


def close_payment_page(top_up: TopUp, *, at: datetime) -> TopUp:
    """The top-up as it stands afterwards: abandoned, or paid after all."""
    if top_up.stripe_session_id:
        expire_checkout(top_up.stripe_session_id)
    return finish_top_up(top_up.pk, at=at)
