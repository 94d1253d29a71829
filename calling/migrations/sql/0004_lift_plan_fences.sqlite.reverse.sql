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
