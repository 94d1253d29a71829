"""The parts a page says the state of the service with: a notice, and a pill."""

from dataclasses import dataclass

from django.utils.translation import gettext as _


@dataclass(frozen=True)
class ServiceNotice:
    """One thing to know: a fact, what follows from it, and where to go."""

    tone: str
    icon: str
    pill: str
    headline: str
    body: str
    action: str = ""
    url: str = ""
    for_buyers: bool = False


@dataclass(frozen=True)
class Pill:
    """The word beside the title; its tone repeats what the word says."""

    text: str
    tone: str


def active() -> str:
    return _("Service active")


def payment_problem() -> str:
    return _("Payment problem")
