"""What is answered, in the shapes that docs/switches describes; money as text."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from calling.authorise.codes import DENIALS, IN_PROGRESS
from calling.authorise.grant import Grant
from calling.rate import RateView
from credits.models import Hold
from credits.money import Micros, amount_text

WARN_BEFORE = 60  # seconds
# Beyond the grant: until the phone is answered, and until the record comes.
GRACE = timedelta(minutes=30)
RETRY_AFTER = 5
EMERGENCY_ID = "auth_emergency"
LONGEST_EMERGENCY = 86_400


@dataclass(frozen=True)
class Answer:
    """`body` is what the switch is told; `code` is why not, or ''."""

    body: dict[str, Any]

    @property
    def decision(self) -> str:
        return str(self.body["decision"])

    @property
    def code(self) -> str:
        return str(self.body.get("code", ""))


def emergency_answer() -> Answer:
    """Always allowed; nothing is set aside and nothing kept (rule 9.1)."""
    return Answer(
        {
            "decision": "allow",
            "authorization_id": EMERGENCY_ID,
            "charged_to": "none",
            "max_duration_s": LONGEST_EMERGENCY,
            "sip": {"code": 200},
        }
    )


def denied(code: str) -> Answer:
    return Answer({"decision": "deny", **_why(code)})


def retry_later() -> Answer:
    """A recharge that would cover the call is in flight (rule 9.2)."""
    why = _why(IN_PROGRESS)
    return Answer({"decision": "retry", **why, "retry_after_s": RETRY_AFTER})


def _why(code: str) -> dict[str, Any]:
    denial = DENIALS[code]
    sip = {"code": denial.sip}
    if denial.q850:
        sip["q850"] = denial.q850
    return {"code": code, "reason": denial.phrase, "sip": sip}


def deadline_of(opened_at: datetime, seconds: int) -> datetime:
    return opened_at + timedelta(seconds=seconds) + GRACE


def terms_of(seconds: int, rate: RateView | None, deadline: datetime) -> dict[str, Any]:
    """The part of an answer that does not depend on who pays."""
    terms: dict[str, Any] = {
        "max_duration_s": seconds,
        "warn_at_s": max(0, seconds - WARN_BEFORE),
        "expires_at": time_text(deadline),
        "sip": {"code": 200},
    }
    if rate is not None:
        terms["rate"] = _price_of(rate)
        terms["_rate"] = list(rate)  # for us: the rate holds for the whole call
    return terms


@lru_cache(maxsize=20_000)
def _price_of(rate: RateView) -> Mapping[str, str | int]:
    """What the switch is told of a rate; nobody changes it."""
    return {
        "prefix": rate.prefix,
        "destination": rate.destination,
        "rate_per_minute": amount_text(rate.rate_per_minute),
        "connect_fee": amount_text(rate.connect_fee),
        "interval_1": rate.interval_1,
        "interval_n": rate.interval_n,
    }


def payment_of(
    charged_to: str, amount: Micros, rate: RateView | None, currency: str
) -> dict[str, Any]:
    """Who pays, and what is set aside."""
    return {"charged_to": charged_to, **held_of(amount, rate, currency)}


def held_of(amount: Micros, rate: RateView | None, currency: str) -> dict[str, Any]:
    """What is set aside, and the same in pulses for `cnxcc`."""
    text = amount_text(amount)
    held: dict[str, Any] = {"hold": {"amount": text, "currency": currency}}
    if rate is not None:
        held["pulse"] = {"credit": text, **_pulses_of(rate)}
    return held


@lru_cache(maxsize=20_000)
def _pulses_of(rate: RateView) -> Mapping[str, str | int]:
    return {
        "connect_cost": amount_text(rate.connect_fee),
        "cost_per_second": amount_text(rate.rate_per_minute // 60),
        "initial_increment_s": rate.interval_1,
        "next_increment_s": rate.interval_n,
    }


def charged_to(grant: Grant, *, pays_later: bool) -> str:
    """`plan`, `credits`, `plan_then_credits`, `postpaid` or `none`."""
    if not grant.amount:
        return "plan" if grant.pool_seconds else "none"
    if pays_later:
        return "postpaid"
    return "plan_then_credits" if grant.pool_seconds else "credits"


_ORDER = (
    "decision",
    "authorization_id",
    "sequence",
    "code",
    "reason",
    "charged_to",
    "max_duration_s",
    "warn_at_s",
    "expires_at",
    "hold",
    "rate",
    "pulse",
    "retry_after_s",
    "sip",
)


def told(hold: Hold) -> Answer:
    """A stored answer as it is told, each time the same.

    A call that was over before anybody asked has none: it may last what it lasted.
    """
    answer = hold.answer or {
        "decision": "allow",
        "charged_to": "none",
        "max_duration_s": hold.granted_seconds,
        "sip": {"code": 200},
    }
    return as_allowed(answer, hold.pk)


def as_allowed(stored: dict[str, Any], hold_id: int) -> Answer:
    return in_order(stored | {"authorization_id": authorization_id(hold_id)})


def in_order(body: dict[str, Any]) -> Answer:
    """What is told of a body, in the order of docs/switches."""
    return Answer({name: body[name] for name in _ORDER if name in body})


def authorization_id(hold_id: int) -> str:
    return f"auth_{hold_id}"


def time_text(at: datetime) -> str:
    return f"{at.isoformat()[:19]}Z"
