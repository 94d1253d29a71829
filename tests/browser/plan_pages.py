"""The pages of a plan, its pools, and a line that has it."""

from datetime import datetime

from accounts.models import Organisation
from calling.models import Bucket, Line, PlanKind
from tests.calling.plans import make_plan, take
from tests.calling.telephony import make_line


def plan_pages(formosa: Organisation, mei: Line, at: datetime) -> list[str]:
    """Addresses of a plan that Mei has, of one that is offered, and of her line."""
    make_plan("phone-system", kind=PlanKind.PHONE_SYSTEM)
    both = {Bucket.DOMESTIC: 3000, Bucket.INTERNATIONAL: 600}
    had = take(formosa, make_plan("domestic", both), mei, quantity=3, at=at)
    offered = make_plan("conferencing", {Bucket.CONFERENCE: 60})
    make_line(formosa, identity="lin", department="Sales")
    mei.monthly_limit, mei.monthly_warning = 5_000_000, 4_000_000
    mei.save()
    licences = f"/plans/subscriptions/{had.pk}/"
    return [
        licences,
        f"{licences}licences/?quantity=5",
        f"/plans/add/{offered.pk}/?quantity=2",
        f"/lines/{mei.pk}/",
    ]


def pool_pages(formosa: Organisation) -> list[str]:
    """Addresses of the pools that calls have made."""
    return [f"/plans/pools/{pool.pk}/" for pool in formosa.minute_pools.all()]
