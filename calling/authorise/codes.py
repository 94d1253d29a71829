"""Why a call is not let through: one table for switches, pages and mails (rule 9.2).

Each code has its SIP status and Q.850 cause (RFC 3326), the short English phrase that a
switch puts on its answer, and for people a sentence and what helps.
"""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

NO_FUNDING = "no_funding"
LINE_LIMIT = "line_limit_reached"
NO_ORGANISATION = "organisation_not_entitled"
NO_LINE = "line_not_entitled"
SUSPENDED = "suspended"
BARRED = "destination_barred"
TOO_DEAR = "price_above_ceiling"
DAILY_LIMIT = "daily_limit_reached"
NO_RATE = "no_rate"
NOT_VALID = "number_not_valid"
TOO_MANY = "too_many_calls"
IN_PROGRESS = "recharge_in_progress"


class Denial(NamedTuple):
    """A code, as switches and as people are told it."""

    code: str
    sip: int
    q850: int
    phrase: str  # part of a SIP answer: English and ASCII
    sentence: Promise
    remedy: Promise


_TABLE = (
    Denial(
        NO_FUNDING,
        402,
        21,
        "Not enough credit",
        _("There was not enough credit for the call."),
        _("Add funds, or turn on auto-recharge; on NCE, raise the spending limit."),
    ),
    Denial(
        LINE_LIMIT,
        402,
        21,
        "Monthly limit of the line reached",
        _("The line has reached its monthly limit."),
        _("Raise the line's monthly limit, or wait for the next month."),
    ),
    Denial(
        NO_ORGANISATION,
        403,
        21,
        "No service for this caller",
        _("The call belongs to no organisation that may call."),
        _("Assign the number to a line, or correct the account code at the switch."),
    ),
    Denial(
        NO_LINE,
        403,
        21,
        "Line may not spend credits",
        _("The line may not spend credits, and no plan covers the call."),
        _("Let the line spend credits, or give it a plan that covers such calls."),
    ),
    Denial(
        SUSPENDED,
        403,
        21,
        "Service suspended",
        _("The service is suspended, or stopped for calls that cost something."),
        _("Pay the invoice that is late, or ask the provider."),
    ),
    Denial(
        BARRED,
        403,
        21,
        "Destination barred",
        _("Calls to this destination are barred."),
        _("Add an exception to your barred destinations, or ask the provider."),
    ),
    Denial(
        TOO_DEAR,
        403,
        21,
        "Price above the limit",
        _("The call costs more than your limit for one call or for a minute."),
        _("Raise the highest price per minute, or the most that one call may cost."),
    ),
    Denial(
        DAILY_LIMIT,
        403,
        21,
        "Daily limit reached",
        _("The most that may be spent in a day is spent."),
        _("Raise the daily limit, or wait for the next day."),
    ),
    Denial(
        NO_RATE,
        404,
        3,
        "No rate for this destination",
        _("The price list has no price for this destination."),
        _("Ask the provider to add the destination to the price list."),
    ),
    Denial(
        NOT_VALID,
        484,
        28,
        "Number not valid",
        _("The number dialled is not a complete telephone number."),
        _("Dial the number with its country code, or correct the switch's rules."),
    ),
    Denial(
        TOO_MANY,
        486,
        17,
        "Too many calls at once",
        _("As many calls as allowed are in progress."),
        _("Wait until one ends, or raise the limit of calls at once."),
    ),
    Denial(
        IN_PROGRESS,
        503,
        0,
        "Top-up in progress",
        _("A payment that would cover the call is being made."),
        _("Try again in a few seconds."),
    ),
)
DENIALS: dict[str, Denial] = {denial.code: denial for denial in _TABLE}
