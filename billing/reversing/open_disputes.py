"""Whether a payment, or any of an organisation's, is disputed now (rule 4.7)."""

from billing.models import Dispute, TopUp


def has_open_dispute(top_up: TopUp) -> bool:
    """An inquiry is none: it may be answered with a refund."""
    disputes = top_up.disputes.filter(closed_at=None)
    return any(not dispute.is_inquiry for dispute in disputes)


def disputed_payments(organisation_id: int) -> list[TopUp]:
    """Those of an organisation that are disputed and not decided."""
    open_ones = Dispute.objects.filter(organisation=organisation_id, closed_at=None)
    found = open_ones.select_related("top_up").order_by("pk")
    return [dispute.top_up for dispute in found if not dispute.is_inquiry]
