"""Pages of calls in progress, of denied calls, and of what is barred and limited."""

from datetime import datetime, time, timedelta
from typing import Any

from accounts.models import Organisation
from calling.models import CallLimits, DeniedCall, Line
from calling.permission.bar_destination import BarringEntry, add_barring
from calling.permission.set_call_limits import LimitsEntry, set_call_limits
from tests.makers import make_hold


def live_pages(formosa: Organisation, mei: Line, at: datetime) -> list[str]:
    """Two calls go on, three were denied; both sides bar and limit something."""
    callers: dict[str, Any] = {"caller": "+886223456789", "line_id": mei.pk}
    make_hold(formosa, "1.5", at=at, callee="+81312345678", **callers)
    make_hold(formosa, "0", at=at, callee="+447012345678", **callers)
    for minutes, code in enumerate(("no_funding", "destination_barred", "no_rate")):
        DeniedCall.objects.create(
            organisation=formosa,
            source_id=1,
            call_key=f"pbx:{minutes}",
            callee="+8190123456789",
            code=code,
            asked_at=at - timedelta(minutes=minutes),
            **callers,
        )
    satellites = BarringEntry("Satellite telephones", prefix="881", is_forced=True)
    add_barring(None, satellites, at=at)
    night = BarringEntry(
        "No calls abroad at night",
        prefix="4470",
        country="GB",
        number_type="mobile",
        hour_from=time(22),
        hour_until=time(6),
    )
    rule = add_barring(formosa, night, at=at)
    off = BarringEntry("Tokyo", prefix="813", lets_through=True, is_active=False)
    add_barring(formosa, off, at=at)
    CallLimits.objects.create(concurrent_calls=10, daily_spend=500_000_000)
    set_call_limits(formosa, LimitsEntry(125_000, 50_000_000), at=at)
    page = "/call-permissions/"
    return ["/live-calls/", page, f"{page}add/", f"{page}{rule.pk}/"]
