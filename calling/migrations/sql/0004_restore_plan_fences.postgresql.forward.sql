-- What a plan includes and costs never changes: other terms are the next version.
CREATE TRIGGER plan_terms_kept BEFORE UPDATE ON calling_callingplan
  FOR EACH ROW WHEN (OLD.kind <> NEW.kind OR OLD.countries <> NEW.countries
    OR OLD.price <> NEW.price OR OLD.price_currency <> NEW.price_currency
    OR OLD.requires <> NEW.requires OR OLD.exhaustion_rule <> NEW.exhaustion_rule
    OR OLD.is_pooled <> NEW.is_pooled OR OLD.licence_base <> NEW.licence_base
    OR OLD.version <> NEW.version)
  EXECUTE FUNCTION fence_refuse('plan_terms_kept');
CREATE TRIGGER bucket_kept BEFORE UPDATE OR DELETE ON calling_planbucket
  FOR EACH STATEMENT EXECUTE FUNCTION fence_refuse('plan_terms_kept');
CREATE TRIGGER bucket_no_truncate BEFORE TRUNCATE ON calling_planbucket
  FOR EACH STATEMENT EXECUTE FUNCTION fence_refuse('plan_terms_kept');
CREATE FUNCTION calling_bucket_of_new_plan() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM calling_subscription WHERE plan_id = NEW.plan_id) THEN
    RAISE EXCEPTION 'plan_terms_kept'
      USING ERRCODE = '23514', CONSTRAINT = 'plan_terms_kept';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER bucket_of_new_plan BEFORE INSERT ON calling_planbucket
  FOR EACH ROW EXECUTE FUNCTION calling_bucket_of_new_plan();
CREATE TRIGGER quantity_change_kept BEFORE UPDATE OR DELETE ON calling_quantitychange
  FOR EACH STATEMENT EXECUTE FUNCTION fence_refuse('quantity_change_kept');
CREATE TRIGGER quantity_change_no_truncate BEFORE TRUNCATE ON calling_quantitychange
  FOR EACH STATEMENT EXECUTE FUNCTION fence_refuse('quantity_change_kept');
