"""What must be true of wallets, lots and entries, as searches for what is not.

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
        named = {"wallet": "w", "lot": "l", "entry": "e", "hold": "h"}
        return self.sql.format(**{k: only.format(v) for k, v in named.items()})


INVARIANTS = (
    Invariant(
        1,
        "wallet {0}: credit {1} is not the sum of its lots, {2}",
        """SELECT w.organisation_id, w.credit, coalesce(sum(l.remaining), 0)
        FROM credits_wallet w LEFT JOIN credits_lot l USING (organisation_id)
        WHERE {wallet} GROUP BY w.organisation_id, w.credit
        HAVING w.credit <> coalesce(sum(l.remaining), 0)""",
    ),
    Invariant(
        1,
        "wallet {0}: credit {1} is not the sum of its entries with a lot, {2}",
        """SELECT w.organisation_id, w.credit, coalesce(sum(e.amount), 0)
        FROM credits_wallet w LEFT JOIN credits_ledgerentry e
          ON e.organisation_id = w.organisation_id AND e.lot_id IS NOT NULL
        WHERE {wallet} GROUP BY w.organisation_id, w.credit
        HAVING w.credit <> coalesce(sum(e.amount), 0)""",
    ),
    Invariant(
        1,
        "wallet {0}: numbers 1 to {1} expected, found {2} entries from {3} to {4}",
        """SELECT w.organisation_id, w.last_seq, count(e.id),
          coalesce(min(e.wallet_seq), 1), coalesce(max(e.wallet_seq), 0)
        FROM credits_wallet w LEFT JOIN credits_ledgerentry e USING (organisation_id)
        WHERE {wallet} GROUP BY w.organisation_id, w.last_seq
        HAVING count(e.id) <> w.last_seq OR coalesce(min(e.wallet_seq), 1) <> 1
          OR coalesce(max(e.wallet_seq), 0) <> w.last_seq""",
    ),
    Invariant(
        1,
        "wallet {0}, entry {1}: balance after it is {2}, the running sum {3}",
        """SELECT * FROM (SELECT e.organisation_id, e.wallet_seq, e.balance_after,
          sum(e.amount) OVER (PARTITION BY e.organisation_id ORDER BY e.wallet_seq)
            AS running
          FROM credits_ledgerentry e WHERE {entry}) AS run
        WHERE balance_after <> running""",
    ),
    Invariant(
        2,
        "lot {0}: {1} left of {2}",
        """SELECT l.id, l.remaining, l.original FROM credits_lot l
        WHERE {lot} AND NOT l.remaining BETWEEN 0 AND l.original""",
    ),
    Invariant(
        2,
        "lot {0}: {1} left, but its entries add up to {2}",
        """SELECT l.id, l.remaining, coalesce(sum(e.amount), 0)
        FROM credits_lot l LEFT JOIN credits_ledgerentry e ON e.lot_id = l.id
        WHERE {lot} GROUP BY l.id, l.remaining
        HAVING l.remaining <> coalesce(sum(e.amount), 0)""",
    ),
    Invariant(
        3,
        "wallet {0}: debt {1}, but its entries without a lot add up to {2}",
        """SELECT w.organisation_id, w.debt, coalesce(sum(e.amount), 0)
        FROM credits_wallet w LEFT JOIN credits_ledgerentry e
          ON e.organisation_id = w.organisation_id AND e.lot_id IS NULL
        WHERE {wallet} GROUP BY w.organisation_id, w.debt
        HAVING w.debt < 0 OR w.debt <> -coalesce(sum(e.amount), 0)""",
    ),
    Invariant(
        3,
        "wallet {0}: owes {1} although lot {2} could pay",
        """SELECT w.organisation_id, w.debt, l.id
        FROM credits_wallet w JOIN credits_lot l USING (organisation_id)
        WHERE {wallet} AND w.debt > 0 AND l.remaining > 0
          AND l.expires_at > %(at)s""",
    ),
    Invariant(
        4,
        "lot {0}: in {1}, its wallet in {2}, its organisation in {3}",
        """SELECT l.id, l.currency, w.currency, o.currency
        FROM credits_lot l JOIN credits_wallet w USING (organisation_id)
          JOIN accounts_organisation o ON o.id = l.organisation_id
        WHERE {lot} AND (l.currency <> w.currency OR w.currency <> o.currency)""",
    ),
    Invariant(
        4,
        "wallet {0}: the clearing account stands at {1}, not at zero",
        """SELECT e.organisation_id, sum(e.amount) FROM credits_ledgerentry e
        WHERE {entry} AND e.kind = 'pay_debt' GROUP BY e.organisation_id
        HAVING sum(e.amount) <> 0""",
    ),
    Invariant(
        5,
        "wallet {0}: lapsed {1}, but its lapsed lots have {2} that no call holds",
        # Lot by lot, soonest expiry first: what all of them so far have, less what
        # calls held when this one expired. The largest is what no call may draw.
        """SELECT organisation_id, lapsed, uncovered FROM (
          SELECT w.organisation_id, w.lapsed,
            max(CASE WHEN coalesce(run.kept, 0) > 0 THEN run.kept ELSE 0 END)
              AS uncovered
          FROM credits_wallet w LEFT JOIN (
            SELECT l.organisation_id, sum(l.remaining) OVER (
                PARTITION BY l.organisation_id ORDER BY l.expires_at)
              - (SELECT coalesce(sum(h.amount), 0) FROM credits_hold h
                WHERE h.organisation_id = l.organisation_id AND h.state = 'open'
                  AND h.opened_at < l.expires_at) AS kept
            FROM credits_lot l
            WHERE {lot} AND l.lapsed_at IS NOT NULL AND l.remaining > 0
          ) AS run ON run.organisation_id = w.organisation_id
          WHERE {wallet} GROUP BY w.organisation_id, w.lapsed) AS told
        WHERE lapsed <> uncovered""",
    ),
    Invariant(
        5,
        "wallet {0}: next expiry at {1}, but its lots say {2}",
        """SELECT w.organisation_id, w.next_expiry_at, min(l.expires_at)
        FROM credits_wallet w LEFT JOIN credits_lot l
          ON l.organisation_id = w.organisation_id AND l.remaining > 0
          AND l.lapsed_at IS NULL
        WHERE {wallet} GROUP BY w.organisation_id, w.next_expiry_at
        HAVING coalesce(w.next_expiry_at, '1970-01-01 00:00:00')
          <> coalesce(min(l.expires_at), '1970-01-01 00:00:00')""",
    ),
    Invariant(
        5,
        "lot {0}: marked as lapsed at {1}, before it expires at {2}",
        """SELECT l.id, l.lapsed_at, l.expires_at FROM credits_lot l
        WHERE {lot} AND l.lapsed_at < l.expires_at""",
    ),
    Invariant(
        5,
        "lot {0}: {1} left, used up at {2}",
        """SELECT l.id, l.remaining, l.exhausted_at FROM credits_lot l
        WHERE {lot} AND (l.remaining = 0) <> (l.exhausted_at IS NOT NULL)""",
    ),
    Invariant(
        5,
        "wallet {0}: recharge wanted is {1}, which its amounts do not say",
        """SELECT w.organisation_id, w.recharge_wanted FROM credits_wallet w
        WHERE {wallet} AND w.recharge_wanted <> coalesce(w.credit - w.lapsed
          - w.debt - w.reserved + w.incoming < w."trigger", FALSE)""",
    ),
    Invariant(
        6,
        "wallet {0}: {1} {2} was booked {3} times on the same lot",
        """SELECT e.organisation_id, e.kind, e.reference, count(*)
        FROM credits_ledgerentry e WHERE {entry}
        GROUP BY e.organisation_id, e.kind, e.reference, coalesce(e.lot_id, 0)
        HAVING count(*) > 1""",
    ),
    Invariant(
        7,
        "entry {0}: does not undo entry {1} exactly",
        """SELECT e.id, e.reverses_id FROM credits_ledgerentry e
        LEFT JOIN credits_ledgerentry r ON r.id = e.reverses_id
        WHERE {entry} AND e.reverses_id IS NOT NULL AND (r.id IS NULL
          OR r.organisation_id <> e.organisation_id OR r.kind <> e.kind
          OR coalesce(r.lot_id, 0) <> coalesce(e.lot_id, 0) OR r.amount <> -e.amount
          OR r.reverses_id IS NOT NULL OR e.reference <> r.reference || ':undo')""",
    ),
    Invariant(
        7,
        "entry {0}: undone {1} times",
        """SELECT e.reverses_id, count(*) FROM credits_ledgerentry e
        WHERE {entry} AND e.reverses_id IS NOT NULL
        GROUP BY e.reverses_id HAVING count(*) > 1""",
    ),
    Invariant(
        8,
        "lot {0}: {1} entries issue it, with {2} of {3}",
        """SELECT l.id, count(e.id), coalesce(sum(e.amount), 0), l.original
        FROM credits_lot l LEFT JOIN credits_ledgerentry e
          ON e.lot_id = l.id AND e.kind = l.kind AND e.reverses_id IS NULL
        WHERE {lot} GROUP BY l.id, l.original
        HAVING count(e.id) <> 1 OR coalesce(sum(e.amount), 0) <> l.original""",
    ),
    Invariant(
        8,
        "lot {0}: kind {1} with sale {2}",
        """SELECT l.id, l.kind, l.sale_id FROM credits_lot l WHERE {lot}
        AND (l.kind IN ('purchase', 'recharge', 'staff_payment'))
          <> (l.sale_id IS NOT NULL)""",
    ),
    Invariant(
        10,
        "entry {0}: a call of {1} drew from lot {2}, which expired at {3}",
        """SELECT e.id, e.event_at, l.id, l.expires_at
        FROM credits_ledgerentry e JOIN credits_lot l ON l.id = e.lot_id
        WHERE {entry} AND e.kind = 'spend' AND e.reverses_id IS NULL
          AND l.expires_at <= e.event_at""",
    ),
    Invariant(
        11,
        "lot {0}: posted as expired {1} times, and {2} is left",
        """SELECT l.id, count(*), l.remaining
        FROM credits_ledgerentry e JOIN credits_lot l ON l.id = e.lot_id
        WHERE {entry} AND e.kind = 'expire' AND e.reverses_id IS NULL
          AND NOT EXISTS (SELECT 1 FROM credits_ledgerentry u
            WHERE u.organisation_id = e.organisation_id AND u.reverses_id = e.id)
        GROUP BY l.id, l.remaining HAVING count(*) > 1 OR l.remaining <> 0""",
    ),
    Invariant(
        16,
        "wallet {0}: {2} of {1} was given back, of {3} that it took",
        # What was undone counts on neither side.
        """SELECT * FROM (
          SELECT e.organisation_id, e.reference,
            sum(CASE WHEN e.kind = 'credit_call' THEN e.amount ELSE 0 END) AS given,
            sum(CASE WHEN e.kind = 'credit_call' THEN 0 ELSE -e.amount END) AS taken
          FROM credits_ledgerentry e
          WHERE {entry} AND e.kind IN ('spend', 'debt', 'credit_call')
            AND e.reverses_id IS NULL AND e.reference IN (
              SELECT reference FROM credits_ledgerentry WHERE kind = 'credit_call')
            AND NOT EXISTS (SELECT 1 FROM credits_ledgerentry u
              WHERE u.organisation_id = e.organisation_id AND u.reverses_id = e.id)
          GROUP BY e.organisation_id, e.reference) AS told
        WHERE given > taken""",
    ),
    Invariant(
        18,
        "wallet {0}: {1} set aside for {2} calls, but {4} calls hold {3}",
        """SELECT w.organisation_id, w.reserved, w.live_calls,
          coalesce(sum(h.amount), 0), count(h.id)
        FROM credits_wallet w LEFT JOIN credits_hold h
          ON h.organisation_id = w.organisation_id AND h.state = 'open'
        WHERE {wallet} GROUP BY w.organisation_id, w.reserved, w.live_calls
        HAVING w.reserved <> coalesce(sum(h.amount), 0)
          OR w.live_calls <> count(h.id)""",
    ),
    Invariant(
        22,
        "lot {0}: promotional credit given to an NCE organisation at {1}",
        """SELECT l.id, l.issued_at FROM credits_lot l
        JOIN accounts_billingmodeperiod p ON p.organisation_id = l.organisation_id
        WHERE {lot} AND l.kind = 'promotional' AND p.billing_mode = 'NCE'
          AND p.starts_at <= l.issued_at
          AND (p.ends_at IS NULL OR p.ends_at > l.issued_at)""",
    ),
    Invariant(
        25,
        "entry {0}: its organisation {1} has not this lot ({2}) or no wallet",
        """SELECT e.id, e.organisation_id, e.lot_id FROM credits_ledgerentry e
        LEFT JOIN credits_lot l
          ON l.id = e.lot_id AND l.organisation_id = e.organisation_id
        LEFT JOIN credits_wallet w ON w.organisation_id = e.organisation_id
        WHERE {entry}
          AND (w.organisation_id IS NULL OR (e.lot_id IS NOT NULL AND l.id IS NULL))""",
    ),
    Invariant(
        25,
        "hold {0}: its organisation {1} has no wallet",
        """SELECT h.id, h.organisation_id FROM credits_hold h
        LEFT JOIN credits_wallet w USING (organisation_id)
        WHERE {hold} AND w.organisation_id IS NULL""",
    ),
)

# SQLite's fence leans on the newest entry that moved a row (decision 2).
MOVED_BY = (
    Invariant(
        5,
        "lot {0}: moved by entry {1}, its newest is {2}",
        """SELECT l.id, l.moved_by, coalesce(max(e.id), 0) FROM credits_lot l
        LEFT JOIN credits_ledgerentry e ON e.lot_id = l.id WHERE {lot}
        GROUP BY l.id, l.moved_by HAVING l.moved_by <> coalesce(max(e.id), 0)""",
    ),
    Invariant(
        5,
        "wallet {0}: moved by entry {1}, its newest is {2}",
        """SELECT w.organisation_id, w.moved_by, coalesce(max(e.id), 0)
        FROM credits_wallet w LEFT JOIN credits_ledgerentry e USING (organisation_id)
        WHERE {wallet} GROUP BY w.organisation_id, w.moved_by
        HAVING w.moved_by <> coalesce(max(e.id), 0)""",
    ),
)

# Not wrong, only behind: a sweep has not run (rules 3.8 and 9.4).
LATE = (
    Invariant(
        5,
        "lot {0}: expired at {1} and is not marked as lapsed",
        """SELECT l.id, l.expires_at FROM credits_lot l WHERE {lot}
        AND l.remaining > 0 AND l.lapsed_at IS NULL AND l.expires_at <= %(swept)s""",
    ),
    Invariant(
        10,
        "lot {0}: expired at {1}, and {2} is not posted as expired",
        """SELECT l.id, l.expires_at, l.remaining FROM credits_lot l WHERE {lot}
        AND l.remaining > 0 AND l.expires_at <= %(posted)s""",
    ),
    Invariant(
        18,
        "hold {0}: should have ended at {1}",
        """SELECT h.id, h.deadline_at FROM credits_hold h WHERE {hold}
        AND h.state = 'open' AND h.deadline_at <= %(swept)s""",
    ),
)
