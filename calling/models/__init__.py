"""The one place Django looks for models; each file below is one subject."""

from calling.models import among  # noqa: F401  # registers the lookup
from calling.models.calls import (
    CallKind,
    CallRecord,
    Charge,
    Direction,
    MinutePool,
    UsageDay,
)
from calling.models.countries import CallCountry
from calling.models.decks import (
    DeckMapping,
    DeckMode,
    DeckProfile,
    DeckUpload,
)
from calling.models.files import CallUpload, UsageExport
from calling.models.lines import Line, NumberAssignment, ServiceKind
from calling.models.permission import (
    Barring,
    CallLimits,
    DeniedCall,
    FactsVersion,
    LineMonth,
    SpendingLimit,
)
from calling.models.plans import (
    Bucket,
    CallingPlan,
    ExhaustionRule,
    Licence,
    LicenceBase,
    PlanBucket,
    PlanKind,
    Subscription,
)
from calling.models.rates import (
    DefaultCardChoice,
    NumberType,
    Purpose,
    Rate,
    RateCard,
    RateCardVersion,
)
from calling.models.sources import (
    LegPolicy,
    RawRecord,
    RecordState,
    RejectedRow,
    Source,
    WaitingReason,
)

__all__ = [
    "Barring",
    "Bucket",
    "CallCountry",
    "CallKind",
    "CallLimits",
    "CallRecord",
    "CallUpload",
    "CallingPlan",
    "Charge",
    "DeckMapping",
    "DeckMode",
    "DeckProfile",
    "DeckUpload",
    "DefaultCardChoice",
    "DeniedCall",
    "Direction",
    "ExhaustionRule",
    "FactsVersion",
    "LegPolicy",
    "Licence",
    "LicenceBase",
    "Line",
    "LineMonth",
    "MinutePool",
    "NumberAssignment",
    "NumberType",
    "PlanBucket",
    "PlanKind",
    "Purpose",
    "Rate",
    "RateCard",
    "RateCardVersion",
    "RawRecord",
    "RecordState",
    "RejectedRow",
    "ServiceKind",
    "Source",
    "SpendingLimit",
    "Subscription",
    "UsageDay",
    "UsageExport",
    "WaitingReason",
]
