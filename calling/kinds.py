"""Which kind of call it is: data, and the questions in their fixed order (rule 6.3).

Pure but for the areas in memory. The order is that of docs/rules: emergency, internal,
inbound, conference, then by the number dialled. Transfer and forwarding are flags.
"""

from calling.call_areas import CallAreas
from calling.call_words import word_of
from calling.models import CallKind, NumberType, Purpose, ServiceKind
from calling.number_class import class_of
from calling.regions import is_domestic

_SPECIAL = {
    NumberType.PREMIUM.value: CallKind.PREMIUM.value,
    NumberType.SHARED_COST.value: CallKind.SHARED_COST.value,
}
EMERGENCY = CallKind.EMERGENCY.value
ON_NET = CallKind.ON_NET.value
TOLL_FREE_IN = CallKind.TOLL_FREE_IN.value
TOLL_IN = CallKind.TOLL_IN.value
CONFERENCE_IN_TOLL_FREE = CallKind.CONFERENCE_IN_TOLL_FREE.value
CONFERENCE_IN_TOLL = CallKind.CONFERENCE_IN_TOLL.value
CONFERENCE_OUT = CallKind.CONFERENCE_OUT.value
DOMESTIC = CallKind.DOMESTIC.value
INTERNATIONAL = CallKind.INTERNATIONAL.value
CALLING = Purpose.CALLING.value

# Beyond ordinary outbound calls, credit pays for these (rule 6.5).
PURPOSES = {
    TOLL_FREE_IN: Purpose.TOLL_FREE_IN.value,
    CONFERENCE_IN_TOLL_FREE: Purpose.TOLL_FREE_IN.value,
    CONFERENCE_OUT: Purpose.CONFERENCE.value,
}


def kind_by_route(
    *,
    direction: str,
    said_kind: str,
    call_type: str,
    is_internal: bool,
    service_kind: str,
    is_bridge: bool,
    callee_is_toll_free: bool,
) -> str:
    """The kind where the route alone decides; '' when the number dialled decides.

    What the sender says stands, as far as a format lets it say something. The service
    kind and bridge are those of the number dialled, if it is a service number; a number
    that nobody has is judged by its range.
    """
    word = word_of(call_type)
    if EMERGENCY in {said_kind, word.kind}:
        return EMERGENCY
    if said_kind == ON_NET or is_internal:
        return ON_NET
    if said_kind:
        return said_kind
    if direction == "inbound":
        free = service_kind == ServiceKind.TOLL_FREE or callee_is_toll_free
        if is_bridge or word.is_bridge:
            return CONFERENCE_IN_TOLL_FREE if free else CONFERENCE_IN_TOLL
        return TOLL_FREE_IN if free else TOLL_IN
    return word.kind


def kind_by_number(
    callee: str,
    usage_country: str,
    number_type: str,
    areas: CallAreas | None = None,
) -> str:
    """The kind of an ordinary outbound call, by the number dialled and its rate."""
    special = _SPECIAL.get(class_of(callee, number_type))
    if special is not None:
        return special
    return DOMESTIC if is_domestic(callee, usage_country, areas) else INTERNATIONAL


def purpose_of(kind: str) -> str:
    """The purpose of the card that prices a kind."""
    return PURPOSES.get(kind, CALLING)
