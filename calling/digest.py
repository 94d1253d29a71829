"""What makes two tellings of a call the same telling (rule 6.7).

Covers the organisation hints, direction and both numbers as received and normalised,
the kind's inputs, the second it was answered and its billable seconds; nothing that
was looked up, so a change of owners or rates makes no correction of an old record.
"""

from datetime import UTC, datetime
from hashlib import blake2b

from calling.formats.record import CallRecordIn

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def digest_of(record: CallRecordIn) -> str:
    answered = record.answered_at
    told = "\x1f".join(
        (
            record.organisation_hint,
            record.account_code,
            record.trunk,
            record.tenant,
            record.user,
            record.direction,
            record.caller_raw,
            record.callee_raw,
            record.caller or "",
            record.callee or "",
            record.call_type,
            record.kind,
            record.conference_id,
            second_of(answered) if answered is not None else "",
            str(record.billable_seconds),
        )
    )
    return blake2b(told.encode(), digest_size=16).hexdigest()


def second_of(at: datetime) -> str:
    """The second of an instant, counted from 1970; a date's text takes ten times."""
    passed = at - _EPOCH
    return str(passed.days * 86_400 + passed.seconds)
