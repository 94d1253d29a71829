"""The one place Django looks for models; each file below is one subject."""

from billing.models.inbox import StripeInbox
from billing.models.sales import StaffPayment, StaffPaymentKind, TopUp, TopUpState
from billing.models.terms import NumberSeries, TopUpTerms

__all__ = [
    "NumberSeries",
    "StaffPayment",
    "StaffPaymentKind",
    "StripeInbox",
    "TopUp",
    "TopUpState",
    "TopUpTerms",
]
