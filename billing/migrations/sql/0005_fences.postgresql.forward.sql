-- An invoice keeps whose it is; once it is issued, all that it says (rule 10.2).
CREATE TRIGGER invoice_never_changes BEFORE UPDATE ON billing_invoice FOR EACH ROW
  WHEN (OLD.organisation_id IS DISTINCT FROM NEW.organisation_id
     OR OLD.kind IS DISTINCT FROM NEW.kind OR OLD.currency IS DISTINCT FROM NEW.currency
     OR OLD.credits_id IS DISTINCT FROM NEW.credits_id
     OR OLD.drafted_at IS DISTINCT FROM NEW.drafted_at
     OR OLD.month IS DISTINCT FROM NEW.month
     OR OLD.billing_mode IS DISTINCT FROM NEW.billing_mode
     OR OLD.state <> 'draft' AND (NEW.state = 'draft'
       OR OLD.number IS DISTINCT FROM NEW.number
       OR OLD.total_minor IS DISTINCT FROM NEW.total_minor
       OR OLD.tax_minor IS DISTINCT FROM NEW.tax_minor
       OR OLD.parties IS DISTINCT FROM NEW.parties
       OR OLD.purchase_order IS DISTINCT FROM NEW.purchase_order
       OR OLD.issued_at IS DISTINCT FROM NEW.issued_at
       OR OLD.due_on IS DISTINCT FROM NEW.due_on))
  EXECUTE FUNCTION billing_refuse('invoice_never_changes');
CREATE TRIGGER invoice_is_kept BEFORE DELETE ON billing_invoice
  FOR EACH ROW EXECUTE FUNCTION billing_refuse('invoice_is_kept');
CREATE TRIGGER invoice_not_truncated BEFORE TRUNCATE ON billing_invoice
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse('invoice_is_kept');

-- It is issued with lines that add up to its total (rule 10.3).
CREATE FUNCTION billing_invoice_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT COALESCE(SUM(minor), 0) FROM billing_invoiceline WHERE invoice_id = NEW.id)
    <> NEW.total_minor
  THEN
    RAISE EXCEPTION 'invoice_adds_up' USING ERRCODE = '23514',
      CONSTRAINT = 'invoice_adds_up', TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER invoice_adds_up BEFORE UPDATE ON billing_invoice FOR EACH ROW
  WHEN (OLD.state = 'draft' AND NEW.state <> 'draft')
  EXECUTE FUNCTION billing_invoice_adds_up();

-- Lines are written while the invoice is a draft. Judged once a statement, since a month
-- is closed for a thousand organisations at a time.
CREATE FUNCTION billing_lines_of_draft() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM moved JOIN billing_invoice ON billing_invoice.id = invoice_id
    WHERE state <> 'draft')
  THEN
    RAISE EXCEPTION 'lines_of_draft' USING ERRCODE = '23514',
      CONSTRAINT = 'lines_of_draft', TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER lines_of_draft_made AFTER INSERT ON billing_invoiceline
  REFERENCING NEW TABLE AS moved
  FOR EACH STATEMENT EXECUTE FUNCTION billing_lines_of_draft();
CREATE TRIGGER lines_of_draft_changed AFTER UPDATE ON billing_invoiceline
  REFERENCING OLD TABLE AS moved
  FOR EACH STATEMENT EXECUTE FUNCTION billing_lines_of_draft();
CREATE TRIGGER lines_of_draft_dropped AFTER DELETE ON billing_invoiceline
  REFERENCING OLD TABLE AS moved
  FOR EACH STATEMENT EXECUTE FUNCTION billing_lines_of_draft();
CREATE TRIGGER line_keeps_invoice BEFORE UPDATE ON billing_invoiceline FOR EACH ROW
  WHEN (OLD.invoice_id IS DISTINCT FROM NEW.invoice_id)
  EXECUTE FUNCTION billing_refuse('lines_of_draft');
CREATE TRIGGER lines_not_truncated BEFORE TRUNCATE ON billing_invoiceline
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse('invoice_is_kept');

-- A month is closed once, for good (rule 10.1).
CREATE TRIGGER closed_month_never_changes BEFORE UPDATE ON billing_closedmonth
  FOR EACH ROW EXECUTE FUNCTION billing_refuse('closed_month_is_kept');
CREATE TRIGGER closed_month_is_kept BEFORE DELETE ON billing_closedmonth
  FOR EACH ROW EXECUTE FUNCTION billing_refuse('closed_month_is_kept');
CREATE TRIGGER closed_month_not_truncated BEFORE TRUNCATE ON billing_closedmonth
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse('closed_month_is_kept');

-- Money that arrived and what was rendered stay as they are (rule 10.2).
CREATE TRIGGER invoice_payment_never_changes BEFORE UPDATE ON billing_invoicepayment
  FOR EACH ROW EXECUTE FUNCTION billing_refuse('invoice_payment_is_kept');
CREATE TRIGGER invoice_payment_is_kept BEFORE DELETE ON billing_invoicepayment
  FOR EACH ROW EXECUTE FUNCTION billing_refuse('invoice_payment_is_kept');
CREATE TRIGGER document_never_changes BEFORE UPDATE ON billing_document
  FOR EACH ROW EXECUTE FUNCTION billing_refuse('document_is_kept');
CREATE TRIGGER document_is_kept BEFORE DELETE ON billing_document
  FOR EACH ROW EXECUTE FUNCTION billing_refuse('document_is_kept');
