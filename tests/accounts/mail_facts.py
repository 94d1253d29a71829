"""Facts that every mail can be made of, and the forks each kind can take."""

from accounts.models import NoticeKind

Facts = dict[str, str | int]

FACTS: Facts = {
    "actor": "Rosa Support",
    "after": 66_000,
    "amount": 2_000_000_000,
    "available": 93_500_000,
    "because": "dunning",
    "before": 63_000,
    "brand": "Visa",
    "backup_brand": "",
    "backup_last_four": "",
    "calls": 12_345,
    "cap": "month",
    "charges": 6,
    "closed_at": "2026-11-22T02:00:00+00:00",
    "credit": 1_904_761_904,
    "currency": "USD",
    "days": 7,
    "days_left": 4,
    "dearer": 3,
    "debt": 3_180_000,
    "declined_at": "2026-11-22T01:12:00+00:00",
    "declines": 4,
    "deed": "credit_given",
    "destination": "Japan",
    "due_on": "2026-12-08",
    "done_at": "2026-11-22T06:30:00+00:00",
    "expired_at": "2026-11-21T16:00:00+00:00",
    "expires_at": "2026-12-31T16:00:00+00:00",
    "expires_on": "2026-11-30",
    "first": "2026-01-01T00:00:00+08:00",
    "first_invoice_on": "2026-12-04",
    "forfeited": 25_000_000,
    "granted": 60,
    "has_recharge": 0,
    "invoice": "INV-2026-0116",
    "is_gone": 0,
    "is_hard": 1,
    "last": "2026-01-31T00:00:00+08:00",
    "last_four": "4242",
    "left": 12,
    "limit": 4_000_000_000,
    "line": "Mei",
    "month": "2026-11-01",
    "moved_at": "2026-11-22T03:00:00+00:00",
    "next_try_at": "2026-11-22T07:12:00+00:00",
    "number": "INV-2026-0117",
    "outcome": "won",
    "paid_at": "2026-01-01T00:00:00+00:00",
    "path": "/top-ups/1/",
    "percent": 80,
    "plan": "Domestic",
    "reached_at": "2026-11-22T03:00:00+00:00",
    "reason": "insufficient_funds",
    "receipt": "R-2026-0117",
    "reference": "TR-7K3M9",
    "refunded": 120_000_000,
    "restricts_on": "2026-12-15",
    "resets_at": "2026-11-30T16:00:00+00:00",
    "runs_out_on": "2026-11-26",
    "since": "2026-11-17T06:00:00+00:00",
    "spent": 40_000_000,
    "stopped_at": "2026-11-22T06:07:00+00:00",
    "suspends_on": "2026-12-22",
    "what": "daily_spend",
    "this_month": 1,
    "threshold": 100_000_000,
    "trigger": 1_000_000_000,
    "unused": 409_000_000,
    "url": "https://hooks.formosa.example/tollgate",
    "valid_from": "2026-12-01T00:00:00+08:00",
}

# What else a kind can say, by the facts that make it say so.
FORKS: dict[NoticeKind, list[Facts]] = {
    NoticeKind.RECEIPT: [
        {"trigger": 1_000_000_000, "brand": "Visa", "last_four": "4242"},
        {"purchase_order": "PO 88-1"},
    ],
    NoticeKind.TOP_UP_FAILED: [{"reason": "generic_decline"}],
    NoticeKind.RECHARGE_DECLINED: [{"next_try_at": ""}],
    NoticeKind.RECHARGE_PAUSED: [
        {"declines": 1},
        {"backup_brand": "Visa", "backup_last_four": "1881"},
    ],
    NoticeKind.RECHARGE_CAPPED: [{"cap": "day"}, {"cap": "hour", "charges": 3}],
    NoticeKind.LOW_BALANCE: [{"days_left": 0, "runs_out_on": ""}, {"has_recharge": 1}],
    NoticeKind.CREDITS_EXPIRING: [{"unused": 0}, {"unused": ""}, {"days": 1}],
    NoticeKind.DISPUTE_CLOSED: [{"outcome": "lost"}],
    NoticeKind.CARD_EXPIRING: [{"this_month": 0}],
    NoticeKind.TRANSFER_RECEIVED: [{"purchase_order": "PO 88-1"}],
    NoticeKind.STAFF_ACTION: [
        {"deed": deed}
        for deed in (
            *("credit_adjusted", "call_credited", "lot_extended", "lot_expired"),
            *("suspended", "resumed", "viewed", "something_else"),
            *("recharge_stopped", "recharge_allowed", "recharge_retried"),
        )
    ],
    NoticeKind.ORGANISATION_CLOSED: [{"refunded": 0, "forfeited": 0}],
    NoticeKind.WEBHOOK_DISABLED: [{"is_gone": 1}],
    NoticeKind.INVOICE_ISSUED: [{"month": ""}, {"amount": -3_000_000}],
    NoticeKind.INVOICE_LATE: [{"days": 1}],
    NoticeKind.MOVED_TO_NCE: [{"credit": 0}],
    NoticeKind.SERVICE_SUSPENDED: [{"because": "fraud"}, {"because": "request"}],
    NoticeKind.SPENDING_LIMIT_NEAR: [{"percent": 50}],
    NoticeKind.SPENDING_LIMIT_REACHED: [{"is_hard": 0}],
}


def every_mail() -> list[tuple[NoticeKind, Facts]]:
    """Each kind with the facts it demands, then each of its forks."""
    return [
        (kind, {name: FACTS[name] for name in kind.facts} | fork)
        for kind in NoticeKind
        for fork in ({}, *FORKS.get(kind, []))
    ]
