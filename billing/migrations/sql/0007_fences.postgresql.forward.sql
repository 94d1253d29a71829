-- An invoice keeps whose it is and its id; once it is issued, all that it says (10.2).
CREATE TRIGGER invoice_never_changes BEFORE UPDATE ON billing_invoice FOR EACH ROW
  WHEN (OLD.id IS DISTINCT FROM NEW.id
     OR OLD.organisation_id IS DISTINCT FROM NEW.organisation_id
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

-- What foreign keys would look up row by row is proven once a statement, since a month
-- is closed for thousands of organisations at a time. Wallets and invoices are never
-- deleted, so what was there stays there. Looked up one by one: a join would keep the
-- plan that it was first given.

-- Lines are written to an invoice that is there, while it is a draft.
CREATE FUNCTION billing_lines_of_draft() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM (SELECT DISTINCT invoice_id FROM moved) AS named
    WHERE (SELECT state FROM billing_invoice WHERE id = named.invoice_id)
      IS DISTINCT FROM 'draft')
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

-- An invoice is of an organisation that has a wallet.
CREATE FUNCTION billing_invoice_of_organisation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM made WHERE (SELECT organisation_id FROM credits_wallet
    WHERE organisation_id = made.organisation_id) IS NULL)
  THEN
    RAISE EXCEPTION 'invoice_of_organisation' USING ERRCODE = '23503',
      CONSTRAINT = 'invoice_of_organisation', TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER invoice_of_organisation AFTER INSERT ON billing_invoice
  REFERENCING NEW TABLE AS made
  FOR EACH STATEMENT EXECUTE FUNCTION billing_invoice_of_organisation();

-- A closed month too, and its invoice is the organisation's own.
CREATE FUNCTION billing_closed_month_of_organisation() RETURNS trigger
  LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM made WHERE (SELECT organisation_id FROM credits_wallet
      WHERE organisation_id = made.organisation_id) IS NULL
    OR invoice_id IS NOT NULL AND (SELECT organisation_id FROM billing_invoice
      WHERE id = made.invoice_id) IS DISTINCT FROM made.organisation_id)
  THEN
    RAISE EXCEPTION 'closed_month_of_organisation' USING ERRCODE = '23503',
      CONSTRAINT = 'closed_month_of_organisation', TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER closed_month_of_organisation AFTER INSERT ON billing_closedmonth
  REFERENCING NEW TABLE AS made
  FOR EACH STATEMENT EXECUTE FUNCTION billing_closed_month_of_organisation();
