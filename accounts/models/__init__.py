"""The one place Django looks for models; each file below is one subject."""

from accounts.models.desk import AuditEvent, StaffTask
from accounts.models.episodes import (
    AlertAddress,
    BalanceAlert,
    Bookmark,
    NoticeEpisode,
    NoticeOptOut,
)
from accounts.models.jobs import JobRun
from accounts.models.keys import ApiKey, IdempotencyKey, Scope
from accounts.models.notice_kinds import Audience, NoticeKind
from accounts.models.notices import Notice
from accounts.models.people import (
    BillingMode,
    BillingModePeriod,
    Language,
    Membership,
    Organisation,
    Permission,
    Role,
    SuspendedBecause,
    User,
)
from accounts.models.provider import ProviderSettings, TaxPolicy
from accounts.models.webhooks import (
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
    WhyOff,
)

__all__ = [
    "AlertAddress",
    "ApiKey",
    "Audience",
    "AuditEvent",
    "BalanceAlert",
    "BillingMode",
    "BillingModePeriod",
    "Bookmark",
    "IdempotencyKey",
    "JobRun",
    "Language",
    "Membership",
    "Notice",
    "NoticeEpisode",
    "NoticeKind",
    "NoticeOptOut",
    "Organisation",
    "Permission",
    "ProviderSettings",
    "Role",
    "Scope",
    "StaffTask",
    "SuspendedBecause",
    "TaxPolicy",
    "User",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
    "WhyOff",
]
