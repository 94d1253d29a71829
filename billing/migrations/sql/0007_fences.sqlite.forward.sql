-- An invoice keeps its id and whose it is; once it is issued, all that it says (rule 10.2).
CREATE TRIGGER invoice_never_changes BEFORE UPDATE ON billing_invoice
WHEN OLD.id IS NOT NEW.id OR OLD.organisation_id IS NOT NEW.organisation_id
  OR OLD.kind IS NOT NEW.kind OR OLD.currency IS NOT NEW.currency
  OR OLD.credits_id IS NOT NEW.credits_id OR OLD.drafted_at IS NOT NEW.drafted_at
  OR OLD.month IS NOT NEW.month OR OLD.billing_mode IS NOT NEW.billing_mode
  OR OLD.state <> 'draft' AND (NEW.state = 'draft'
    OR OLD.number IS NOT NEW.number OR OLD.total_minor IS NOT NEW.total_minor
    OR OLD.tax_minor IS NOT NEW.tax_minor OR OLD.parties IS NOT NEW.parties
    OR OLD.purchase_order IS NOT NEW.purchase_order
    OR OLD.issued_at IS NOT NEW.issued_at OR OLD.due_on IS NOT NEW.due_on)
BEGIN SELECT RAISE(ABORT, 'invoice_never_changes'); END;
CREATE TRIGGER invoice_is_kept BEFORE DELETE ON billing_invoice
BEGIN SELECT RAISE(ABORT, 'invoice_is_kept'); END;

-- It is issued with lines that add up to its total (rule 10.3).
CREATE TRIGGER invoice_adds_up BEFORE UPDATE ON billing_invoice
WHEN OLD.state = 'draft' AND NEW.state <> 'draft'
BEGIN
  SELECT RAISE(ABORT, 'invoice_adds_up') WHERE NEW.total_minor IS NOT
    (SELECT COALESCE(SUM(minor), 0) FROM billing_invoiceline WHERE invoice_id = NEW.id);
END;

-- Lines are written to an invoice that is there, while it is a draft.
CREATE TRIGGER lines_of_draft_made BEFORE INSERT ON billing_invoiceline BEGIN
  SELECT RAISE(ABORT, 'lines_of_draft') WHERE
    (SELECT state FROM billing_invoice WHERE id = NEW.invoice_id) IS NOT 'draft';
END;
CREATE TRIGGER lines_of_draft_changed BEFORE UPDATE ON billing_invoiceline BEGIN
  SELECT RAISE(ABORT, 'lines_of_draft') WHERE
    (SELECT state FROM billing_invoice WHERE id = OLD.invoice_id) <> 'draft';
END;
CREATE TRIGGER lines_of_draft_dropped BEFORE DELETE ON billing_invoiceline BEGIN
  SELECT RAISE(ABORT, 'lines_of_draft') WHERE
    (SELECT state FROM billing_invoice WHERE id = OLD.invoice_id) <> 'draft';
END;
CREATE TRIGGER line_keeps_invoice BEFORE UPDATE ON billing_invoiceline
WHEN OLD.invoice_id IS NOT NEW.invoice_id
BEGIN SELECT RAISE(ABORT, 'lines_of_draft'); END;

-- A month is closed once, for good (rule 10.1).
CREATE TRIGGER closed_month_never_changes BEFORE UPDATE ON billing_closedmonth
BEGIN SELECT RAISE(ABORT, 'closed_month_is_kept'); END;
CREATE TRIGGER closed_month_is_kept BEFORE DELETE ON billing_closedmonth
BEGIN SELECT RAISE(ABORT, 'closed_month_is_kept'); END;

-- What foreign keys would prove, as on PostgreSQL. Wallets are never deleted.
CREATE TRIGGER invoice_of_organisation BEFORE INSERT ON billing_invoice BEGIN
  SELECT RAISE(ABORT, 'invoice_of_organisation') WHERE NOT EXISTS
    (SELECT 1 FROM credits_wallet WHERE organisation_id = NEW.organisation_id);
END;
CREATE TRIGGER closed_month_of_organisation BEFORE INSERT ON billing_closedmonth BEGIN
  SELECT RAISE(ABORT, 'closed_month_of_organisation') WHERE NOT EXISTS
    (SELECT 1 FROM credits_wallet WHERE organisation_id = NEW.organisation_id)
    OR NEW.invoice_id IS NOT NULL AND NEW.organisation_id IS NOT
      (SELECT organisation_id FROM billing_invoice WHERE id = NEW.invoice_id);
END;
