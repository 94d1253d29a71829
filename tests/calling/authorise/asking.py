"""Asks whether a call may go on, as a switch would."""

from datetime import datetime
from itertools import count
from typing import Any

from calling.authorise.answers import Answer
from calling.authorise.authorise import authorise_call
from calling.authorise.question import Question
from calling.models import Source
from tests.calling.telephony import MORNING

MEI = "+886223456789"
JAPAN = "+81312345678"  # 0.021 a minute
JAPAN_MOBILE = "+819012345678"  # 0.11 a minute, by 30 and 6 seconds
TAIWAN = "+886912345678"  # 0.02 a minute
PREMIUM = "+886203456789"  # 1 a minute

_numbers = count(1)


def ask(
    source: Source,
    callee: str = JAPAN,
    *,
    at: datetime = MORNING,
    call_id: str = "",
    caller: str = MEI,
    **more: Any,
) -> Answer:
    call_id = call_id or f"call-{next(_numbers)}"
    question = Question(call_id=call_id, callee=callee, caller=caller, **more)
    return authorise_call(question, source, at=at)
