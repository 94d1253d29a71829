"""What the endpoints of a running call refuse, each with its code and sentence."""

from django.utils.translation import gettext_lazy as _

from accounts.refusals import TollgateError


class SequenceTooLow(TollgateError):
    """A later question was answered already (as in Diameter credit control)."""

    code = "sequence_too_low"
    sentence = _("Sequence %(asked)d is behind: %(known)d was answered already.")


class SequenceSkipped(TollgateError):
    """Sequence numbers rise by one."""

    code = "sequence_skipped"
    sentence = _("Sequence %(asked)d is ahead: the next one is %(next)d.")


class CallIsOver(TollgateError):
    """Its hold has ended, so there is nothing to extend."""

    code = "call_is_over"
    sentence = _("This call is over: what it had set aside was released or charged.")
