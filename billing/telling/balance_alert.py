"""Below which available balance an organisation is told that it runs low (rule 11).

Its own threshold, or where it has none a fifth of the smallest purchase. Zero means
that it wants to hear of zero only.
"""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.audit import record_audit
from accounts.models import BalanceAlert, Organisation, User
from billing.models import TopUpTerms
from credits.money import Micros, amount_text, currency_of

SHARE_OF_MINIMUM = 5


def low_threshold(organisation: Organisation) -> Micros:
    """Micros in the organisation's currency."""
    alert = BalanceAlert.objects.filter(organisation=organisation).first()
    return alert.threshold if alert else usual_threshold(organisation.currency)


def usual_threshold(currency: str) -> Micros:
    """What holds for whoever chose nothing; zero where nothing is sold."""
    terms = TopUpTerms.objects.filter(currency=currency).first()
    if terms is None:
        return 0
    step = currency_of(currency).step
    return terms.minimum_micros // SHARE_OF_MINIMUM // step * step


def set_low_threshold(
    organisation: Organisation,
    threshold: Micros,
    *,
    actor: User,
    at: datetime,
    ip: str | None = None,
) -> BalanceAlert:
    """Changes the threshold; raises ValidationError for less than zero."""
    if threshold < 0:
        raise ValidationError(
            _("The alert is at zero or above."), "balance_alert_not_negative"
        )
    with transaction.atomic():
        before = low_threshold(organisation)
        alert, _is_new = BalanceAlert.objects.update_or_create(
            organisation=organisation,
            defaults={"threshold": threshold, "changed_at": at, "changed_by": actor},
        )
        record_audit(
            "set_balance_alert",
            at=at,
            organisation=organisation,
            actor=actor,
            object=f"organisation:{organisation.slug}",
            before={"threshold": amount_text(before)},
            after={"threshold": amount_text(threshold)},
            ip=ip,
        )
    return alert
