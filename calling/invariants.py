"""What must be true of records, charges, pools and totals, as searches for what is not.

Each statement finds rows that break the invariant of that number; the sentence is
filled with the row. They hold on both engines. `prove` runs them.
"""

from typing import NamedTuple


class Invariant(NamedTuple):
    number: int
    sentence: str
    sql: str

    def narrowed(self) -> str:
        """The statement for one organisation, or for all where it is 0."""
        only = "(%(organisation)s = 0 OR {}.organisation_id = %(organisation)s)"
        named = {
            "call": "c",
            "charge": "ch",
            "pool": "p",
            "usage": "u",
            "entry": "e",
            "hold": "h",
            "month": "m",
        }
        narrowed = {name: only.format(alias) for name, alias in named.items()}
        return self.sql.format(**narrowed, **_FRAGMENTS)


# Whole numbers, so `/` cuts on both engines.
_FRAGMENTS = {
    # The rounded price of the snapshot.
    "price": """(120 * ch.connect_fee + 2 * ch.billed_seconds * ch.rate_per_minute + 60)
          / 120""",
    # Whole intervals of the call's seconds.
    "billed": """CASE WHEN c.billable_seconds <= ch.interval_1 THEN ch.interval_1
            ELSE ch.interval_1 + (c.billable_seconds - ch.interval_1
              + ch.interval_n - 1) / ch.interval_n * ch.interval_n END""",
    # Charges of each call's newest revision.
    "current": """calling_charge ch JOIN calling_callrecord c
          ON c.id = ch.call_record_id AND c.revision = ch.revision""",
    # The entries of a charge. Whether they have a lot, which their kind says too, is
    # named so that each is found by its key: an organisation may have millions.
    "spends": """e.organisation_id = ch.organisation_id AND e.kind = 'spend'
          AND e.reverses_id IS NULL AND e.lot_id IS NOT NULL
          AND e.reference = 'call:' || ch.call_record_id || '#' || ch.revision""",
    "debts": """e.organisation_id = ch.organisation_id AND e.kind = 'debt'
          AND e.reverses_id IS NULL AND e.lot_id IS NULL
          AND e.reference = 'call:' || ch.call_record_id || '#' || ch.revision""",
}

INVARIANTS = (
    Invariant(
        13,
        "record {1} of source {0}: {2} revisions up to {3}, with {4} digests",
        """SELECT r.source_id, r.source_record_id, count(*), max(r.revision),
          count(DISTINCT r.digest)
        FROM calling_rawrecord r WHERE %(organisation)s = 0
        GROUP BY r.source_id, r.source_record_id
        HAVING count(*) <> max(r.revision) OR count(DISTINCT r.digest) <> count(*)""",
    ),
    Invariant(
        13,
        "record {1} of source {0} is {2} calls",
        """SELECT c.source_id, c.source_record_id, count(*)
        FROM calling_callrecord c WHERE %(organisation)s = 0
        GROUP BY c.source_id, c.source_record_id HAVING count(*) > 1""",
    ),
    Invariant(
        13,
        "raw record {0}: settled, but there is no call of it",
        """SELECT r.id FROM calling_rawrecord r
        JOIN calling_rawrecord f ON f.source_id = r.source_id
          AND f.source_record_id = r.source_record_id AND f.revision = 1
        LEFT JOIN calling_callrecord c ON c.id = f.id
        WHERE %(organisation)s = 0 AND r.state = 'settled' AND c.id IS NULL""",
    ),
    Invariant(
        13,
        "call {0}: there is no raw record of it",
        """SELECT c.id FROM calling_callrecord c
        LEFT JOIN calling_rawrecord r ON r.id = c.id AND r.source_id = c.source_id
          AND r.source_record_id = c.source_record_id
        WHERE {call} AND r.id IS NULL""",
    ),
    Invariant(
        14,
        "call {0}: at revision {1} with {2} charges up to {3}",
        """SELECT c.id, c.revision, count(ch.id), coalesce(max(ch.revision), 0)
        FROM calling_callrecord c LEFT JOIN calling_charge ch
          ON ch.organisation_id = c.organisation_id AND ch.call_record_id = c.id
        WHERE {call} GROUP BY c.id, c.revision
        HAVING count(ch.id) <> c.revision
          OR coalesce(max(ch.revision), 0) <> c.revision""",
    ),
    Invariant(
        14,
        "charge {0}: its parts do not add up, or one is negative",
        """SELECT ch.id FROM calling_charge ch WHERE {charge} AND (
          ch.rated_amount <> ch.pool_amount + ch.credit_amount + ch.postpaid_amount
            + ch.debt_amount
          OR ch.billed_seconds <> ch.pool_seconds + ch.credit_seconds
            + ch.postpaid_seconds + ch.debt_seconds
          OR ch.pool_amount < 0 OR ch.credit_amount < 0 OR ch.postpaid_amount < 0
          OR ch.debt_amount < 0 OR ch.pool_seconds < 0 OR ch.credit_seconds < 0
          OR ch.postpaid_seconds < 0 OR ch.debt_seconds < 0)""",
    ),
    Invariant(
        14,
        "call {0}: revision {1} was replaced, but entry {2} still stands",
        """SELECT c.id, ch.revision, e.id
        FROM calling_charge ch JOIN calling_callrecord c
          ON c.id = ch.call_record_id AND c.revision <> ch.revision
        JOIN credits_ledgerentry e ON {spends}
        WHERE {charge} AND NOT EXISTS (SELECT 1 FROM credits_ledgerentry u
          WHERE u.organisation_id = e.organisation_id AND u.reverses_id = e.id)
        UNION ALL SELECT c.id, ch.revision, e.id
        FROM calling_charge ch JOIN calling_callrecord c
          ON c.id = ch.call_record_id AND c.revision <> ch.revision
        JOIN credits_ledgerentry e ON {debts}
        WHERE {charge} AND NOT EXISTS (SELECT 1 FROM credits_ledgerentry u
          WHERE u.organisation_id = e.organisation_id AND u.reverses_id = e.id)""",
    ),
    Invariant(
        15,
        "charge {0}: rated at {1}, but its snapshot says {2}",
        """SELECT ch.id, ch.rated_amount, {price} FROM calling_charge ch
        WHERE {charge} AND ch.billed_seconds > 0 AND ch.rated_amount <>
          CASE WHEN ch.minimum_charge > {price} THEN ch.minimum_charge
          ELSE {price} END""",
    ),
    Invariant(
        15,
        "charge {0}: {1} seconds billed of {2}",
        """SELECT ch.id, ch.billed_seconds, c.billable_seconds FROM {current}
        WHERE {charge} AND ch.billed_seconds > 0
          AND ch.billed_seconds <> {billed}""",
    ),
    Invariant(
        15,
        "charge {0}: a free call ({1}) costs {2} for {3} seconds",
        """SELECT ch.id, ch.kind, ch.rated_amount, ch.billed_seconds FROM {current}
        WHERE {charge} AND (ch.billed_seconds > 0 OR ch.rated_amount > 0)
          AND (c.answered = FALSE OR ch.billed_seconds = 0 OR ch.kind IN
            ('emergency', 'on_net', 'toll_in', 'conference_in_toll'))""",
    ),
    Invariant(
        16,
        "charge {0}: {1} from credit, but its entries say {2}",
        """SELECT ch.id, ch.credit_amount, -coalesce(sum(e.amount), 0)
        FROM calling_charge ch LEFT JOIN credits_ledgerentry e ON {spends}
        WHERE {charge} GROUP BY ch.id, ch.credit_amount
        HAVING ch.credit_amount <> -coalesce(sum(e.amount), 0)""",
    ),
    Invariant(
        16,
        "charge {0}: {1} became debt, but its entries say {2}",
        """SELECT ch.id, ch.debt_amount, -coalesce(sum(e.amount), 0)
        FROM calling_charge ch LEFT JOIN credits_ledgerentry e ON {debts}
        WHERE {charge} GROUP BY ch.id, ch.debt_amount
        HAVING ch.debt_amount <> -coalesce(sum(e.amount), 0)""",
    ),
    Invariant(
        16,
        "organisation {0}: {1} entries of calls differ from its charges by {2}",
        """SELECT organisation_id, kind, sum(amount) FROM (
          SELECT e.organisation_id, e.kind, e.amount FROM credits_ledgerentry e
            WHERE {entry} AND e.kind IN ('spend', 'debt') AND e.reverses_id IS NULL
              AND e.reference LIKE 'call:%%'
          UNION ALL SELECT ch.organisation_id, 'spend', ch.credit_amount
            FROM calling_charge ch WHERE {charge}
          UNION ALL SELECT ch.organisation_id, 'debt', ch.debt_amount
            FROM calling_charge ch WHERE {charge}) AS told
        GROUP BY organisation_id, kind HAVING sum(amount) <> 0""",
    ),
    Invariant(
        17,
        "pool {0}: {1} of {2} seconds left, but its calls drew {3}",
        """SELECT p.id, p.remaining_seconds, p.granted_seconds,
          coalesce(sum(drawn.pool_seconds), 0)
        FROM calling_minutepool p LEFT JOIN (
          SELECT ch.pool_id, ch.pool_seconds FROM {current}
          WHERE {charge} AND ch.pool_id IS NOT NULL) AS drawn ON drawn.pool_id = p.id
        WHERE {pool} GROUP BY p.id, p.remaining_seconds, p.granted_seconds
        HAVING p.remaining_seconds < 0 OR p.granted_seconds - p.remaining_seconds
          <> coalesce(sum(drawn.pool_seconds), 0)""",
    ),
    Invariant(
        17,
        "charge {0}: a {1} call of {2} drew from pool {3} ({4}, {5} to {6})",
        """SELECT ch.id, ch.kind, c.started_at, p.id, p.bucket, p.starts_at, p.ends_at
        FROM {current} LEFT JOIN calling_minutepool p ON p.id = ch.pool_id
        WHERE {charge} AND ch.pool_seconds > 0 AND (p.id IS NULL
          OR p.organisation_id <> ch.organisation_id
          OR c.started_at < p.starts_at OR c.started_at >= p.ends_at
          OR p.bucket <> CASE ch.kind WHEN 'conference_out' THEN 'conference'
            ELSE ch.kind END
          OR (p.line_id IS NOT NULL AND p.line_id <> ch.line_id))""",
    ),
    Invariant(
        18,
        "pool {0}: {1} seconds set aside, but its calls hold {2}",
        """SELECT p.id, p.reserved_seconds, coalesce(sum(h.pool_seconds), 0)
        FROM calling_minutepool p LEFT JOIN credits_hold h ON h.state = 'open'
          AND h.organisation_id = p.organisation_id AND h.pool_id = p.id
        WHERE {pool} GROUP BY p.id, p.reserved_seconds
        HAVING p.reserved_seconds <> coalesce(sum(h.pool_seconds), 0)""",
    ),
    Invariant(
        18,
        "line {0} in {1}: {2} set aside, but its calls hold {3}",
        """SELECT m.line_id, m.month, m.reserved, coalesce(sum(h.amount), 0)
        FROM calling_linemonth m LEFT JOIN credits_hold h ON h.state = 'open'
          AND h.organisation_id = m.organisation_id AND h.line_month_id = m.id
        WHERE {month} GROUP BY m.id, m.line_id, m.month, m.reserved
        HAVING m.reserved <> coalesce(sum(h.amount), 0)""",
    ),
    Invariant(
        18,
        "line {0} in {1}: {2} spent, but its charges say {3}",
        """SELECT m.line_id, m.month, m.spent,
          coalesce(sum(told.rated_amount - told.pool_amount), 0)
        FROM calling_linemonth m LEFT JOIN (
          SELECT ch.organisation_id, ch.line_id, ch.local_day, ch.rated_amount,
            ch.pool_amount FROM {current} WHERE {charge}) AS told
          ON told.organisation_id = m.organisation_id AND told.line_id = m.line_id
          AND substr(CAST(told.local_day AS text), 1, 7)
            = substr(CAST(m.month AS text), 1, 7)
        WHERE {month} GROUP BY m.id, m.line_id, m.month, m.spent
        HAVING m.spent <> coalesce(sum(told.rated_amount - told.pool_amount), 0)""",
    ),
    Invariant(
        18,
        "hold {0}: still open, though record {1} of its call was settled meanwhile",
        """SELECT h.id, c.source_record_id FROM credits_hold h
        JOIN calling_source s ON s.id = h.source_id
        JOIN calling_callrecord c ON c.organisation_id = h.organisation_id
          AND c.source_id = s.id AND h.call_key = s.slug || ':' || c.call_id
        JOIN calling_charge ch ON ch.organisation_id = c.organisation_id
          AND ch.call_record_id = c.id AND ch.revision = 1
        WHERE {hold} AND h.state = 'open' AND ch.booked_at >= h.opened_at""",
    ),
    Invariant(
        19,
        "organisation {0}, {1}, {2} in {3}: the day's totals differ from its charges",
        """SELECT organisation_id, day, kind, currency FROM (
          SELECT u.organisation_id, u.day, u.kind, u.currency, u.calls, u.seconds,
            u.amount, u.pool_amount, u.postpaid_amount
            FROM calling_usageday u WHERE {usage}
          UNION ALL SELECT ch.organisation_id, ch.local_day, ch.kind, ch.currency, -1,
            -ch.billed_seconds, -ch.rated_amount, -ch.pool_amount, -ch.postpaid_amount
            FROM {current} WHERE {charge}) AS told
        GROUP BY organisation_id, day, kind, currency
        HAVING sum(calls) <> 0 OR sum(seconds) <> 0 OR sum(amount) <> 0
          OR sum(pool_amount) <> 0 OR sum(postpaid_amount) <> 0""",
    ),
    Invariant(
        23,
        "charge {0}: {1} billed after use and {2} debt, in mode {3}",
        """SELECT ch.id, ch.postpaid_amount, ch.debt_amount, m.billing_mode
        FROM {current} LEFT JOIN accounts_billingmodeperiod m
          ON m.organisation_id = ch.organisation_id AND m.starts_at <= c.started_at
          AND (m.ends_at IS NULL OR m.ends_at > c.started_at)
        WHERE {charge} AND (
          (ch.postpaid_amount > 0 AND coalesce(m.billing_mode, '') <> 'NCE')
          OR (ch.debt_amount > 0 AND coalesce(m.billing_mode, '') <> 'PREPAID'))""",
    ),
    Invariant(
        25,
        "charge {0}: of organisation {1}, its call of {2}, its line of {3}",
        """SELECT ch.id, ch.organisation_id, c.organisation_id, l.organisation_id
        FROM calling_charge ch LEFT JOIN calling_callrecord c
          ON c.id = ch.call_record_id
        LEFT JOIN calling_line l ON l.id = ch.line_id
        WHERE {charge} AND (c.id IS NULL OR c.organisation_id <> ch.organisation_id
          OR (ch.line_id IS NOT NULL
            AND coalesce(l.organisation_id, 0) <> ch.organisation_id))""",
    ),
    Invariant(
        25,
        "call {0}: of organisation {1}, but {2} was organisation {3}'s number then",
        """SELECT c.id, c.organisation_id, n.number, n.organisation_id
        FROM calling_callrecord c JOIN calling_numberassignment n ON n.number =
          CASE c.direction WHEN 'outbound' THEN c.caller ELSE c.callee END
          AND n.starts_at <= c.started_at
          AND (n.ends_at IS NULL OR n.ends_at > c.started_at)
        WHERE {call} AND n.organisation_id <> c.organisation_id
          AND NOT EXISTS (SELECT 1 FROM calling_rawrecord r
            WHERE r.source_id = c.source_id
              AND r.source_record_id = c.source_record_id
              AND r.assigned_to_id = c.organisation_id)""",
    ),
)
