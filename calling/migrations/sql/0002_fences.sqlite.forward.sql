-- A charge is never changed: a correction is the next revision (rule 6.7).
CREATE TRIGGER charge_append_only BEFORE UPDATE ON calling_charge BEGIN
  SELECT RAISE(ABORT, 'charge_append_only');
END;
CREATE TRIGGER charge_never_deleted BEFORE DELETE ON calling_charge BEGIN
  SELECT RAISE(ABORT, 'charge_append_only');
END;

-- What came in stays in, under its key and digest.
CREATE TRIGGER raw_record_kept
  BEFORE UPDATE OF source_id, source_record_id, revision, digest ON calling_rawrecord
BEGIN
  SELECT RAISE(ABORT, 'raw_record_kept');
END;
CREATE TRIGGER raw_record_never_deleted BEFORE DELETE ON calling_rawrecord BEGIN
  SELECT RAISE(ABORT, 'raw_record_kept');
END;

-- A price never changes: another price is another version of the card.
CREATE TRIGGER rate_append_only BEFORE UPDATE ON calling_rate BEGIN
  SELECT RAISE(ABORT, 'rate_append_only');
END;
CREATE TRIGGER rate_never_deleted BEFORE DELETE ON calling_rate BEGIN
  SELECT RAISE(ABORT, 'rate_append_only');
END;

-- A subscription has the billing mode of its organisation and of its plan.
CREATE TRIGGER subscription_mode BEFORE INSERT ON calling_subscription
WHEN NEW.billing_mode IS NOT
    (SELECT billing_mode FROM accounts_organisation WHERE id = NEW.organisation_id)
  OR NEW.billing_mode IS NOT
    (SELECT billing_mode FROM calling_callingplan WHERE id = NEW.plan_id)
BEGIN
  SELECT RAISE(ABORT, 'subscription_mode');
END;
CREATE TRIGGER subscription_mode_kept BEFORE UPDATE ON calling_subscription
WHEN OLD.organisation_id <> NEW.organisation_id OR OLD.plan_id <> NEW.plan_id
  OR OLD.billing_mode <> NEW.billing_mode
BEGIN
  SELECT RAISE(ABORT, 'subscription_mode');
END;
CREATE TRIGGER plan_mode_kept BEFORE UPDATE ON calling_callingplan
WHEN OLD.billing_mode <> NEW.billing_mode OR OLD.family <> NEW.family
BEGIN
  SELECT RAISE(ABORT, 'plan_mode_kept');
END;

-- One number, one owner at any moment.
CREATE TRIGGER number_overlap AFTER INSERT ON calling_numberassignment
WHEN EXISTS (SELECT 1 FROM calling_numberassignment other
    WHERE other.number = NEW.number AND other.id <> NEW.id
      AND (NEW.ends_at IS NULL OR other.starts_at < NEW.ends_at)
      AND (other.ends_at IS NULL OR NEW.starts_at < other.ends_at))
BEGIN
  SELECT RAISE(ABORT, 'number_overlap');
END;
CREATE TRIGGER number_overlap_later
  AFTER UPDATE OF number, starts_at, ends_at ON calling_numberassignment
WHEN EXISTS (SELECT 1 FROM calling_numberassignment other
    WHERE other.number = NEW.number AND other.id <> NEW.id
      AND (NEW.ends_at IS NULL OR other.starts_at < NEW.ends_at)
      AND (other.ends_at IS NULL OR NEW.starts_at < other.ends_at))
BEGIN
  SELECT RAISE(ABORT, 'number_overlap');
END;

CREATE TRIGGER number_line_of_organisation AFTER INSERT ON calling_numberassignment
WHEN NEW.line_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM calling_line
    WHERE id = NEW.line_id AND organisation_id = NEW.organisation_id)
BEGIN
  SELECT RAISE(ABORT, 'line_of_organisation');
END;
CREATE TRIGGER number_line_of_organisation_later
  AFTER UPDATE OF organisation_id, line_id ON calling_numberassignment
WHEN NEW.line_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM calling_line
    WHERE id = NEW.line_id AND organisation_id = NEW.organisation_id)
BEGIN
  SELECT RAISE(ABORT, 'line_of_organisation');
END;
CREATE TRIGGER licence_line_of_organisation AFTER INSERT ON calling_licence
WHEN NOT EXISTS (SELECT 1 FROM calling_line
    WHERE id = NEW.line_id AND organisation_id = NEW.organisation_id)
BEGIN
  SELECT RAISE(ABORT, 'line_of_organisation');
END;
CREATE TRIGGER licence_line_of_organisation_later
  AFTER UPDATE OF organisation_id, line_id ON calling_licence
WHEN NOT EXISTS (SELECT 1 FROM calling_line
    WHERE id = NEW.line_id AND organisation_id = NEW.organisation_id)
BEGIN
  SELECT RAISE(ABORT, 'line_of_organisation');
END;
