"""The types of event sent to webhook endpoints; docs/webhooks.md shows each."""

from accounts.models import NoticeKind

TEST = "webhook.test"
BALANCE_RESTORED = "credits.balance_restored"


def event_types() -> list[str]:
    """What an endpoint may choose from, in the order of the alphabet."""
    told_by_notices = {kind.rules.event for kind in NoticeKind if kind.rules.event}
    return sorted({*told_by_notices, BALANCE_RESTORED})
