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
