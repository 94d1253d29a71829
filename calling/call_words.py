"""What senders call a call, and what we make of their word: data, and one question.

A word tells the direction, sometimes the kind (where no number would) and sometimes a
flag; transfer and forwarding are flags, not kinds (rule 6.3).
"""

from functools import lru_cache
from typing import NamedTuple


class Word(NamedTuple):
    """`kind` is one that the route does not tell; `is_bridge` dials in to a bridge."""

    direction: str = ""
    kind: str = ""
    flag: str = ""
    is_bridge: bool = False
    is_known: bool = True


_IN, _OUT = "inbound", "outbound"
WORDS = {
    # Microsoft's calling plans, in Graph and in the admin centre's export
    "user_in": Word(_IN),
    "unassigned_in": Word(_IN),
    "ucap_in": Word(_IN, flag="bot"),
    "conf_in": Word(_IN, is_bridge=True),
    "user_out": Word(_OUT),
    "user_out_conf": Word(_OUT, flag="added_party"),
    "user_out_transfer": Word(_OUT, flag="transferred"),
    "user_out_forwarding": Word(_OUT, flag="forwarded"),
    "ucap_out": Word(_OUT, flag="bot"),
    "conf_out": Word(_OUT, kind="conference_out"),
    # Direct Routing, in the export
    "dr_in": Word(_IN),
    "dr_unassigned_in": Word(_IN),
    "dr_in_bot": Word(_IN, flag="bot"),
    "dr_in_ucap": Word(_IN, flag="bot"),
    "dr_out": Word(_OUT),
    "dr_out_user_conf": Word(_OUT, flag="added_party"),
    "dr_out_user_transfer": Word(_OUT, flag="transferred"),
    "dr_out_user_forwarding": Word(_OUT, flag="forwarded"),
    "dr_out_bot": Word(_OUT, flag="bot"),
    "dr_out_ucap": Word(_OUT, flag="bot"),
    "dr_emergency_out": Word(_OUT, kind="emergency"),
    # Direct Routing, in Graph
    "byotin": Word(_IN),
    "byotout": Word(_OUT),
    # Twilio, which sees a trunk from its own side
    "inbound": Word(_IN),
    "trunking-originating": Word(_IN),
    "outbound-api": Word(_OUT),
    "outbound-dial": Word(_OUT),
    "trunking-terminating": Word(_OUT),
    # our own
    "conference_in": Word(_IN, is_bridge=True),
    "conference_out": Word(_OUT, kind="conference_out"),
    "emergency": Word(_OUT, kind="emergency"),
}


@lru_cache(maxsize=1_000)
def word_of(said: str) -> Word:
    """What a sender's word means; of one that is not here the direction at most."""
    lower = said.lower()
    known = WORDS.get(lower)
    if known is not None:
        return known
    parts = lower.replace("-", "_").split("_")
    for direction, short in ((_IN, "in"), (_OUT, "out")):
        if short in parts or lower.startswith((direction, f"byot{short}")):
            return Word(direction, is_known=False)
    return Word(is_known=not said)
