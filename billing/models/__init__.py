"""The one place Django looks for models; each file below is one subject."""

from billing.models.cards import CardSetup, CardSetupState, PaymentMethod
from billing.models.inbox import StripeInbox
from billing.models.invoices import (
    ClosedMonth,
    Document,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoicePayment,
    InvoicePaymentKind,
    InvoiceState,
    LineKind,
    TaxRate,
)
from billing.models.recharges import (
    OPEN_ATTEMPT,
    AttemptState,
    AutoRecharge,
    Consent,
    RechargeAttempt,
    RechargeCause,
    RechargeStop,
    RechargeTry,
    SkippedRecharge,
    TryOutcome,
)
from billing.models.reversals import Dispute, Refund, RefundState
from billing.models.runs import (
    ReconciliationKind,
    ReconciliationRun,
    ReconciliationTotal,
    TotalKind,
)
from billing.models.sales import (
    StaffPayment,
    StaffPaymentKind,
    TopUp,
    TopUpKind,
    TopUpState,
)
from billing.models.terms import NumberSeries, TopUpTerms
from billing.models.transfers import TransferAnnouncement, TransferState

__all__ = [
    "OPEN_ATTEMPT",
    "AttemptState",
    "AutoRecharge",
    "CardSetup",
    "CardSetupState",
    "ClosedMonth",
    "Consent",
    "Dispute",
    "Document",
    "Invoice",
    "InvoiceKind",
    "InvoiceLine",
    "InvoicePayment",
    "InvoicePaymentKind",
    "InvoiceState",
    "LineKind",
    "NumberSeries",
    "PaymentMethod",
    "RechargeAttempt",
    "RechargeCause",
    "RechargeStop",
    "RechargeTry",
    "ReconciliationKind",
    "ReconciliationRun",
    "ReconciliationTotal",
    "Refund",
    "RefundState",
    "SkippedRecharge",
    "StaffPayment",
    "StaffPaymentKind",
    "StripeInbox",
    "TaxRate",
    "TopUp",
    "TopUpKind",
    "TopUpState",
    "TopUpTerms",
    "TotalKind",
    "TransferAnnouncement",
    "TransferState",
    "TryOutcome",
]
