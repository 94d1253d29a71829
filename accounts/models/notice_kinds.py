"""Every message Tollgate sends on its own: its facts, its readers, its event (rule 11).

A kind is the name of its folder under templates/email/, which holds `subject.txt` and
`body.txt`; text and HTML are made from the same words. Amounts are whole micros beside
a `currency`, instants ISO text, and `path` is the page the mail leads to.
"""

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _


class Audience(models.TextChoices):
    """Who is told; the billing address counts as a billing contact."""

    BILLING = "billing", _("billing contacts")
    OWNER_AND_BILLING = "owner_and_billing", _("owners and billing contacts")
    OWNER = "owner", _("owners")
    TECHNICAL = "technical", _("owners and developers")


@dataclass(frozen=True)
class NoticeRules:
    """What a kind needs to know, and who may do without it."""

    facts: frozenset[str]
    audience: Audience = Audience.BILLING
    is_optional: bool = False
    event: str = ""


class NoticeKind(models.TextChoices):
    """Which template is sent; the value is its folder under templates/email/."""

    RECEIPT = "receipt", _("Receipt")
    TOP_UP_FAILED = "top_up_failed", _("Payment failed")
    RECHARGE_DECLINED = "recharge_declined", _("Auto-recharge: card declined")
    RECHARGE_PAUSED = "recharge_paused", _("Auto-recharge paused")
    RECHARGE_RECOVERED = "recharge_recovered", _("Auto-recharge works again")
    RECHARGE_ACTION_REQUIRED = (
        "recharge_action_required",
        _("Auto-recharge: approval needed"),
    )
    RECHARGE_CAPPED = "recharge_capped", _("Auto-recharge: limit reached")
    LOW_BALANCE = "low_balance", _("Available balance low")
    BALANCE_ZERO = "balance_zero", _("Balance used up")
    BALANCE_BELOW_ZERO = "balance_below_zero", _("Balance below zero")
    CREDITS_EXPIRING = "credits_expiring", _("Credits expire soon")
    CREDITS_EXPIRED = "credits_expired", _("Credits expired")
    REFUND_DONE = "refund_done", _("Refund")
    REFUND_FAILED = "refund_failed", _("Refund failed")
    DISPUTE_OPENED = "dispute_opened", _("Payment disputed")
    DISPUTE_CLOSED = "dispute_closed", _("Dispute ended")
    CARD_EXPIRING = "card_expiring", _("Card expires soon")
    TRANSFER_ANNOUNCED = "transfer_announced", _("Bank transfer announced")
    TRANSFER_RECEIVED = "transfer_received", _("Bank transfer received")
    STAFF_ACTION = "staff_action", _("Done by the provider")
    ORGANISATION_CLOSED = "organisation_closed", _("Organisation closed")
    POOL_LOW = "pool_low", _("Plan minutes low")
    POOL_USED = "pool_used", _("Plan minutes used up")
    LINE_LIMIT_NEAR = "line_limit_near", _("Line near its monthly limit")
    LINE_LIMIT_REACHED = "line_limit_reached", _("Line at its monthly limit")
    RATES_CHANGE = "rates_change", _("Rates change")
    MOVED_TO_NCE = "moved_to_nce", _("Moved to billing after use")
    BACK_TO_PREPAID = "back_to_prepaid", _("Back to prepaid credits")
    SPENDING_LIMIT_NEAR = "spending_limit_near", _("Spending limit near")
    SPENDING_LIMIT_REACHED = "spending_limit_reached", _("Spending limit reached")
    INVOICE_ISSUED = "invoice_issued", _("Invoice")
    INVOICE_DUE = "invoice_due", _("Invoice due")
    INVOICE_LATE = "invoice_late", _("Invoice late")
    INVOICE_PAID = "invoice_paid", _("Invoice paid")
    CREDIT_NOTE = "credit_note", _("Credit note")
    SERVICE_RESTRICTED = "service_restricted", _("Paid calls stopped")
    SERVICE_SUSPENDED = "service_suspended", _("Service paused")
    SERVICE_RESUMED = "service_resumed", _("Service resumed")
    STATEMENT_READY = "statement_ready", _("Monthly statement")
    CALL_LIMIT_REACHED = "call_limit_reached", _("Limit of calls reached")
    USAGE_EXPORT = "usage_export", _("List of calls")
    WEBHOOK_DISABLED = "webhook_disabled", _("Webhook endpoint switched off")
    ADDRESS_ADDED = "address_added", _("Confirm an alert address")

    @property
    def rules(self) -> NoticeRules:
        return _RULES[self]

    @property
    def facts(self) -> frozenset[str]:
        """What must be handed in when the message is owed."""
        return self.rules.facts

    @classmethod
    def optional(cls) -> list["NoticeKind"]:
        """Those a reader may do without; payment and legal ones are always sent."""
        return [kind for kind in cls if kind.rules.is_optional]


def _kind(
    facts: str,
    audience: Audience = Audience.BILLING,
    *,
    is_optional: bool = False,
    event: str = "",
) -> NoticeRules:
    return NoticeRules(frozenset(facts.split()), audience, is_optional, event)


# The facts that are amounts: whole micros of `currency`.
AMOUNTS = frozenset(
    {
        *("after", "amount", "available", "before", "credit", "debt", "forfeited"),
        *("limit", "refunded", "spent", "threshold", "trigger", "unused"),
    }
)

_BOTH = Audience.OWNER_AND_BILLING
_CARD = "amount currency brand last_four path"
_POOL = "plan granted left resets_at path"
_SPENDING = "spent limit currency resets_at path"
_INVOICE = "number amount currency due_on path"
_LIMIT = "line spent limit currency resets_at path"

_RULES: dict[NoticeKind, NoticeRules] = {
    # Also, from auto-recharge: trigger, brand, last_four. With a purchase order: that.
    NoticeKind.RECEIPT: _kind(
        "amount currency receipt paid_at expires_at path", event="topup.succeeded"
    ),
    # `reason` is a code of billing/decline_reasons.py, here and below.
    NoticeKind.TOP_UP_FAILED: _kind(
        "amount currency reason path", event="topup.failed"
    ),
    # `next_try_at` is empty when there is none.
    NoticeKind.RECHARGE_DECLINED: _kind(
        f"{_CARD} reason declined_at next_try_at", event="auto_recharge.failed"
    ),
    # `declines` in a row, at least 1; `backup_*` where that card is charged instead.
    NoticeKind.RECHARGE_PAUSED: _kind(
        f"{_CARD} reason declines backup_brand backup_last_four",
        _BOTH,
        event="auto_recharge.suspended",
    ),
    NoticeKind.RECHARGE_RECOVERED: _kind(f"{_CARD} trigger", _BOTH),
    NoticeKind.RECHARGE_ACTION_REQUIRED: _kind(
        _CARD, event="auto_recharge.action_required"
    ),
    # `cap` is month, day or hour; `limit` the monthly one, `charges` the others' count.
    NoticeKind.RECHARGE_CAPPED: _kind(
        "cap limit charges currency reached_at resets_at path",
        _BOTH,
        event="auto_recharge.limit_reached",
    ),
    # `days_left` is 0 where nobody can say; then `runs_out_on` is empty.
    NoticeKind.LOW_BALANCE: _kind(
        "available threshold currency days_left runs_out_on has_recharge path",
        is_optional=True,
        event="credits.balance_low",
    ),
    NoticeKind.BALANCE_ZERO: _kind(
        "currency stopped_at path", _BOTH, event="credits.balance_zero"
    ),
    NoticeKind.BALANCE_BELOW_ZERO: _kind(
        "debt currency path", _BOTH, event="credits.balance_negative"
    ),
    # `days` left; `unused` is the forecast loss, or empty where nobody can say.
    NoticeKind.CREDITS_EXPIRING: _kind(
        "amount currency days expires_at unused path", event="credits.lot_expiring"
    ),
    NoticeKind.CREDITS_EXPIRED: _kind(
        "amount currency expired_at path", event="credits.lot_expired"
    ),
    # `amount` is money paid back, `credit` what left the wallet.
    NoticeKind.REFUND_DONE: _kind(
        "amount credit currency receipt path", event="topup.refunded"
    ),
    NoticeKind.REFUND_FAILED: _kind("amount credit currency receipt path"),
    NoticeKind.DISPUTE_OPENED: _kind(
        "amount currency receipt path", event="topup.disputed"
    ),
    # `outcome` is won or lost.
    NoticeKind.DISPUTE_CLOSED: _kind("amount currency receipt outcome path"),
    # `expires_on` is a day; `this_month` 1 or 0.
    NoticeKind.CARD_EXPIRING: _kind(
        "brand last_four expires_on this_month path", is_optional=True
    ),
    NoticeKind.TRANSFER_ANNOUNCED: _kind("amount currency reference path"),
    # `reference` is the bank's; with a purchase order: that too.
    NoticeKind.TRANSFER_RECEIVED: _kind(
        "amount currency receipt reference paid_at expires_at path",
        event="topup.succeeded",
    ),
    # `deed` is a word of templates/email/staff_action/subject.txt; 0 where no amount.
    NoticeKind.STAFF_ACTION: _kind(
        "deed actor reason done_at amount currency path", Audience.OWNER
    ),
    NoticeKind.ORGANISATION_CLOSED: _kind(
        "refunded forfeited currency closed_at path", _BOTH
    ),
    NoticeKind.POOL_LOW: _kind(_POOL, is_optional=True, event="plan.allowance_80"),
    NoticeKind.POOL_USED: _kind(
        _POOL, is_optional=True, event="plan.allowance_exhausted"
    ),
    NoticeKind.LINE_LIMIT_NEAR: _kind(_LIMIT, is_optional=True),
    NoticeKind.LINE_LIMIT_REACHED: _kind(_LIMIT, is_optional=True),
    NoticeKind.RATES_CHANGE: _kind(
        "valid_from dearer destination before after currency path", _BOTH
    ),
    # `credit` is what is left and spent first.
    NoticeKind.MOVED_TO_NCE: _kind(
        "moved_at credit first_invoice_on currency path",
        _BOTH,
        event="organization.moved_to_nce",
    ),
    NoticeKind.BACK_TO_PREPAID: _kind("moved_at path", _BOTH),
    # `percent` is 50 or 80.
    NoticeKind.SPENDING_LIMIT_NEAR: _kind(f"{_SPENDING} percent"),
    # `is_hard` is 1 where calls stop, else 0.
    NoticeKind.SPENDING_LIMIT_REACHED: _kind(f"{_SPENDING} is_hard", _BOTH),
    NoticeKind.INVOICE_ISSUED: _kind(f"{_INVOICE} month", event="invoice.issued"),
    NoticeKind.INVOICE_DUE: _kind(_INVOICE),
    # `days` late: 3, 7 or 14; `amount` is what is still owed.
    NoticeKind.INVOICE_LATE: _kind(
        f"{_INVOICE} days restricts_on suspends_on", _BOTH, event="invoice.late"
    ),
    NoticeKind.INVOICE_PAID: _kind("number amount currency paid_at path"),
    NoticeKind.CREDIT_NOTE: _kind("number amount currency invoice path"),
    NoticeKind.SERVICE_RESTRICTED: _kind("since path", _BOTH),
    # `because` is a value of SuspendedBecause.
    NoticeKind.SERVICE_SUSPENDED: _kind(
        "since because path", _BOTH, event="organization.suspended"
    ),
    NoticeKind.SERVICE_RESUMED: _kind("path", _BOTH, event="organization.resumed"),
    NoticeKind.STATEMENT_READY: _kind(
        "month path", is_optional=True, event="statement.ready"
    ),
    # `what` is daily_spend, call_cost, concurrent_calls or price_ceiling.
    NoticeKind.CALL_LIMIT_REACHED: _kind("what line reached_at path", _BOTH),
    NoticeKind.USAGE_EXPORT: _kind("first last calls expires_at path"),
    # `is_gone` is 1 where the endpoint answered that it is not there any more.
    NoticeKind.WEBHOOK_DISABLED: _kind("url since is_gone path", Audience.TECHNICAL),
    # To the address itself, and to nobody else; `path` confirms it.
    NoticeKind.ADDRESS_ADDED: _kind("actor path"),
}
