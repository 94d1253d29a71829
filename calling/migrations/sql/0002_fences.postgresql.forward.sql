-- Every batch changes pools and totals: leave room, so updates stay in the page.
ALTER TABLE calling_minutepool SET (fillfactor = 70);
ALTER TABLE calling_usageday SET (fillfactor = 50);

-- A charge is never changed: a correction is the next revision (rule 6.7).
CREATE TRIGGER charge_append_only BEFORE UPDATE OR DELETE ON calling_charge
  FOR EACH STATEMENT EXECUTE FUNCTION fence_refuse('charge_append_only');
CREATE TRIGGER charge_no_truncate BEFORE TRUNCATE ON calling_charge
  FOR EACH STATEMENT EXECUTE FUNCTION fence_refuse('charge_append_only');

-- What came in stays in, under its key and digest.
CREATE TRIGGER raw_record_kept
  BEFORE DELETE OR UPDATE OF source_id, source_record_id, revision, digest
  ON calling_rawrecord
  FOR EACH STATEMENT EXECUTE FUNCTION fence_refuse('raw_record_kept');
CREATE TRIGGER raw_record_no_truncate BEFORE TRUNCATE ON calling_rawrecord
  FOR EACH STATEMENT EXECUTE FUNCTION fence_refuse('raw_record_kept');

-- A price never changes: another price is another version of the card.
CREATE TRIGGER rate_append_only BEFORE UPDATE OR DELETE ON calling_rate
  FOR EACH STATEMENT EXECUTE FUNCTION fence_refuse('rate_append_only');

-- A subscription has the billing mode of its organisation and of its plan. FOR SHARE:
-- a move to NCE that runs at the same time is waited for.
CREATE FUNCTION calling_subscription_mode() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE mode text; BEGIN
  SELECT billing_mode INTO mode FROM accounts_organisation
    WHERE id = NEW.organisation_id FOR SHARE;
  IF NEW.billing_mode IS DISTINCT FROM mode OR NEW.billing_mode IS DISTINCT FROM
     (SELECT billing_mode FROM calling_callingplan WHERE id = NEW.plan_id) THEN
    RAISE EXCEPTION 'subscription_mode'
      USING ERRCODE = '23514', CONSTRAINT = 'subscription_mode';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER subscription_mode BEFORE INSERT ON calling_subscription
  FOR EACH ROW EXECUTE FUNCTION calling_subscription_mode();
CREATE TRIGGER subscription_mode_kept BEFORE UPDATE ON calling_subscription
  FOR EACH ROW WHEN (OLD.organisation_id <> NEW.organisation_id
    OR OLD.plan_id <> NEW.plan_id OR OLD.billing_mode <> NEW.billing_mode)
  EXECUTE FUNCTION fence_refuse('subscription_mode');
CREATE TRIGGER plan_mode_kept BEFORE UPDATE ON calling_callingplan
  FOR EACH ROW WHEN (OLD.billing_mode <> NEW.billing_mode OR OLD.family <> NEW.family)
  EXECUTE FUNCTION fence_refuse('plan_mode_kept');

-- One number, one owner at any moment. The lock makes two writers of one number take
-- turns, since neither sees the other's row before it commits.
CREATE FUNCTION calling_number_overlap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(NEW.number, 7));
  IF EXISTS (SELECT 1 FROM calling_numberassignment other
      WHERE other.number = NEW.number AND other.id <> NEW.id
        AND (NEW.ends_at IS NULL OR other.starts_at < NEW.ends_at)
        AND (other.ends_at IS NULL OR NEW.starts_at < other.ends_at)) THEN
    RAISE EXCEPTION 'number_overlap'
      USING ERRCODE = '23P01', CONSTRAINT = 'number_overlap';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER number_overlap
  AFTER INSERT OR UPDATE OF number, starts_at, ends_at ON calling_numberassignment
  FOR EACH ROW EXECUTE FUNCTION calling_number_overlap();

CREATE FUNCTION calling_same_organisation() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.line_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM calling_line
      WHERE id = NEW.line_id AND organisation_id = NEW.organisation_id) THEN
    RAISE EXCEPTION 'line_of_organisation'
      USING ERRCODE = '23514', CONSTRAINT = 'line_of_organisation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER number_line_of_organisation
  AFTER INSERT OR UPDATE OF organisation_id, line_id ON calling_numberassignment
  FOR EACH ROW EXECUTE FUNCTION calling_same_organisation();
CREATE TRIGGER licence_line_of_organisation
  AFTER INSERT OR UPDATE OF organisation_id, line_id ON calling_licence
  FOR EACH ROW EXECUTE FUNCTION calling_same_organisation();
