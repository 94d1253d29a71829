CREATE OR REPLACE FUNCTION credits_entry_apply() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  missing bigint;
BEGIN
  WITH moved AS MATERIALIZED (
    SELECT lot_id, organisation_id, sum(amount)::bigint AS amount, max(booked_at) AS booked_at
      FROM born WHERE lot_id IS NOT NULL GROUP BY lot_id, organisation_id
      ORDER BY lot_id
  ), applied AS (
    UPDATE credits_lot AS lot
       SET remaining = lot.remaining + moved.amount,
           exhausted_at = CASE WHEN lot.remaining + moved.amount = 0
                               THEN coalesce(lot.exhausted_at, moved.booked_at) END
      FROM moved
     WHERE lot.id = moved.lot_id AND lot.organisation_id = moved.organisation_id
    RETURNING 1
  )
  SELECT (SELECT count(*) FROM moved) - (SELECT count(*) FROM applied) INTO missing;
  IF missing = 0 THEN
    WITH moved AS MATERIALIZED (
      SELECT organisation_id,
             coalesce(sum(amount) FILTER (WHERE lot_id IS NOT NULL), 0)::bigint AS credit,
             coalesce(sum(amount) FILTER (WHERE lot_id IS NULL), 0)::bigint AS paid
        FROM born GROUP BY organisation_id
    ), applied AS (
      UPDATE credits_wallet AS wallet
         SET credit = wallet.credit + moved.credit, debt = wallet.debt - moved.paid
        FROM moved
       WHERE wallet.organisation_id = moved.organisation_id
      RETURNING 1
    )
    SELECT (SELECT count(*) FROM moved) - (SELECT count(*) FROM applied) INTO missing;
  END IF;
  IF missing <> 0 THEN
    RAISE EXCEPTION 'entry_names_own_lot: the lot or wallet is not this organisation''s'
      USING ERRCODE = '23503', CONSTRAINT = 'entry_names_own_lot', TABLE = 'credits_ledgerentry';
  END IF;
  RETURN NULL;
END $$;
DROP AGGREGATE IF EXISTS micros_sum(bigint);
