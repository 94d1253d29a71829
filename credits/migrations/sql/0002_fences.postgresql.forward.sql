-- Wallets and lots are updated with every call: leave room, so updates stay in the page.
ALTER TABLE credits_wallet SET (fillfactor = 70);
ALTER TABLE credits_lot SET (fillfactor = 70);

-- Shared by the fences of every app; the argument is the code that the caller reads.
CREATE FUNCTION fence_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%: % of % refused', TG_ARGV[0], TG_OP, TG_TABLE_NAME
    USING ERRCODE = '23001', CONSTRAINT = TG_ARGV[0], TABLE = TG_TABLE_NAME;
END $$;

-- 1. Entries never change.
CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE ON credits_ledgerentry
  FOR EACH STATEMENT EXECUTE FUNCTION fence_refuse('entry_append_only');
CREATE TRIGGER entry_no_truncate BEFORE TRUNCATE ON credits_ledgerentry
  FOR EACH STATEMENT EXECUTE FUNCTION fence_refuse('entry_append_only');

-- 2. Entries move lots and wallets: one update each for a whole batch, the lots in the
-- order of their keys, so that pages and indexes are gone through once. The counts see an
-- entry that names another organisation's lot, or an organisation without a wallet.
CREATE FUNCTION credits_entry_apply() RETURNS trigger
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
REVOKE EXECUTE ON FUNCTION credits_entry_apply() FROM PUBLIC;
CREATE TRIGGER entry_apply AFTER INSERT ON credits_ledgerentry
  REFERENCING NEW TABLE AS born
  FOR EACH STATEMENT EXECUTE FUNCTION credits_entry_apply();

-- 3. Nobody else moves them; removing one would move its money too.
CREATE TRIGGER lot_moved_by_entries AFTER UPDATE OF remaining, moved_by ON credits_lot
  FOR EACH ROW WHEN ((OLD.remaining, OLD.moved_by) IS DISTINCT FROM (NEW.remaining, NEW.moved_by)
    AND pg_trigger_depth() = 0)
  EXECUTE FUNCTION fence_refuse('lot_moved_by_entries');
CREATE TRIGGER wallet_moved_by_entries AFTER UPDATE OF credit, debt, moved_by ON credits_wallet
  FOR EACH ROW WHEN ((OLD.credit, OLD.debt, OLD.moved_by) IS DISTINCT FROM (NEW.credit, NEW.debt, NEW.moved_by)
    AND pg_trigger_depth() = 0)
  EXECUTE FUNCTION fence_refuse('wallet_moved_by_entries');
CREATE TRIGGER lot_never_deleted BEFORE DELETE ON credits_lot
  FOR EACH ROW EXECUTE FUNCTION fence_refuse('lot_moved_by_entries');
CREATE TRIGGER lot_no_truncate BEFORE TRUNCATE ON credits_lot
  FOR EACH STATEMENT EXECUTE FUNCTION fence_refuse('lot_moved_by_entries');
CREATE TRIGGER wallet_never_deleted BEFORE DELETE ON credits_wallet
  FOR EACH ROW EXECUTE FUNCTION fence_refuse('wallet_moved_by_entries');
CREATE TRIGGER wallet_no_truncate BEFORE TRUNCATE ON credits_wallet
  FOR EACH STATEMENT EXECUTE FUNCTION fence_refuse('wallet_moved_by_entries');

-- 4. Lots and wallets are born empty.
CREATE TRIGGER lot_born_empty AFTER INSERT ON credits_lot
  FOR EACH ROW WHEN (NEW.remaining <> 0 OR NEW.moved_by <> 0)
  EXECUTE FUNCTION fence_refuse('lot_moved_by_entries');
CREATE TRIGGER wallet_born_empty AFTER INSERT ON credits_wallet
  FOR EACH ROW WHEN (NEW.credit <> 0 OR NEW.debt <> 0 OR NEW.moved_by <> 0 OR NEW.last_seq <> 0)
  EXECUTE FUNCTION fence_refuse('wallet_moved_by_entries');

-- 5. What was agreed stays agreed.
CREATE TRIGGER lot_terms_fixed BEFORE UPDATE ON credits_lot
  FOR EACH ROW WHEN (
    (OLD.id, OLD.organisation_id, OLD.kind, OLD.currency, OLD.original, OLD.issued_at, OLD.reference, OLD.sale_id)
    IS DISTINCT FROM
    (NEW.id, NEW.organisation_id, NEW.kind, NEW.currency, NEW.original, NEW.issued_at, NEW.reference, NEW.sale_id))
  EXECUTE FUNCTION fence_refuse('lot_terms_fixed');
CREATE TRIGGER wallet_terms_fixed BEFORE UPDATE ON credits_wallet
  FOR EACH ROW WHEN ((OLD.organisation_id, OLD.currency) IS DISTINCT FROM (NEW.organisation_id, NEW.currency))
  EXECUTE FUNCTION fence_refuse('wallet_terms_fixed');

-- 6. A lot has its wallet's currency, and entries their lot's: so money never changes kind.
-- 7. Promotional credit is not given to an NCE organisation (rule 2.1). FOR SHARE waits for
-- a change of mode that is under way.
CREATE FUNCTION credits_lot_check_birth() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  mode varchar;
BEGIN
  PERFORM 1 FROM credits_wallet
    WHERE organisation_id = NEW.organisation_id AND currency = NEW.currency;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'lot_in_wallets_currency: no wallet in % here', NEW.currency
      USING ERRCODE = '23514', CONSTRAINT = 'lot_in_wallets_currency', TABLE = 'credits_lot';
  END IF;
  IF NEW.kind = 'promotional' THEN
    SELECT billing_mode INTO mode FROM accounts_organisation
      WHERE id = NEW.organisation_id FOR SHARE;
    IF mode <> 'PREPAID' THEN
      RAISE EXCEPTION 'credits_not_held: the organisation is billed after use'
        USING ERRCODE = '23514', CONSTRAINT = 'credits_not_held', TABLE = 'credits_lot';
    END IF;
  END IF;
  RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION credits_lot_check_birth() FROM PUBLIC;
CREATE TRIGGER lot_check_birth BEFORE INSERT ON credits_lot
  FOR EACH ROW EXECUTE FUNCTION credits_lot_check_birth();
