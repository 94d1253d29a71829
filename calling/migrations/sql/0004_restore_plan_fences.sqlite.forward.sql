-- A subscription has the billing mode of its organisation and of its plan.
CREATE TRIGGER subscription_mode BEFORE INSERT ON calling_subscription
WHEN NEW.billing_mode IS NOT
    (SELECT billing_mode FROM accounts_organisation WHERE id = NEW.organisation_id)
  OR NEW.billing_mode IS NOT
    (SELECT billing_mode FROM calling_callingplan WHERE id = NEW.plan_id)
BEGIN
  SELECT RAISE(ABORT, 'subscription_mode');
END;
CREATE TRIGGER plan_mode_kept BEFORE UPDATE ON calling_callingplan
WHEN OLD.billing_mode <> NEW.billing_mode OR OLD.family <> NEW.family
BEGIN
  SELECT RAISE(ABORT, 'plan_mode_kept');
END;

-- What a plan includes and costs never changes: other terms are the next version.
CREATE TRIGGER plan_terms_kept BEFORE UPDATE ON calling_callingplan
WHEN OLD.kind <> NEW.kind OR OLD.countries <> NEW.countries
  OR OLD.price <> NEW.price OR OLD.price_currency <> NEW.price_currency
  OR OLD.requires <> NEW.requires OR OLD.exhaustion_rule <> NEW.exhaustion_rule
  OR OLD.is_pooled <> NEW.is_pooled OR OLD.licence_base <> NEW.licence_base
  OR OLD.version <> NEW.version
BEGIN
  SELECT RAISE(ABORT, 'plan_terms_kept');
END;
CREATE TRIGGER bucket_kept BEFORE UPDATE ON calling_planbucket BEGIN
  SELECT RAISE(ABORT, 'plan_terms_kept');
END;
CREATE TRIGGER bucket_never_deleted BEFORE DELETE ON calling_planbucket BEGIN
  SELECT RAISE(ABORT, 'plan_terms_kept');
END;
CREATE TRIGGER bucket_of_new_plan BEFORE INSERT ON calling_planbucket
WHEN EXISTS (SELECT 1 FROM calling_subscription WHERE plan_id = NEW.plan_id)
BEGIN
  SELECT RAISE(ABORT, 'plan_terms_kept');
END;
CREATE TRIGGER quantity_change_kept BEFORE UPDATE ON calling_quantitychange BEGIN
  SELECT RAISE(ABORT, 'quantity_change_kept');
END;
CREATE TRIGGER quantity_change_never_deleted BEFORE DELETE ON calling_quantitychange
BEGIN
  SELECT RAISE(ABORT, 'quantity_change_kept');
END;
