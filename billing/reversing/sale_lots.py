"""The lots that a payment stands for: its own, and what its disputes gave back."""

from django.db.models import Q

from billing.models import Refund, StaffPayment, TopUp
from credits.models import Lot, LotKind
from credits.models.wallet import LotQuerySet

RESTORED = ":restored"  # how the reference of a restored lot ends


def lots_of(sale: TopUp | StaffPayment) -> LotQuerySet:
    """At least one for a paid sale; restored lots name their dispute's event."""
    mine = Q(kind__in=[LotKind.PURCHASE, LotKind.RECHARGE], sale_id=sale.pk)
    if isinstance(sale, StaffPayment):
        mine = Q(kind=LotKind.STAFF_PAYMENT, sale_id=sale.pk)
    else:
        for dispute in sale.disputes.all():
            begins = f"{dispute.reference}#"
            mine |= Q(kind=LotKind.RESTORED, reference__startswith=begins)
    return Lot.objects.filter(mine, organisation=sale.organisation_id)


def sale_of(refund: Refund) -> TopUp | StaffPayment:
    """The payment that a refund is of: exactly one is named."""
    sale = refund.top_up or refund.staff_payment
    if sale is None:
        raise AssertionError(f"{refund.reference} is of no payment.")
    return sale
