DROP TRIGGER IF EXISTS lines_of_draft_dropped ON billing_invoiceline;
DROP TRIGGER IF EXISTS lines_of_draft_changed ON billing_invoiceline;
DROP TRIGGER IF EXISTS lines_of_draft_made ON billing_invoiceline;
DROP FUNCTION billing_lines_of_draft();
DROP TRIGGER IF EXISTS invoice_never_changes ON billing_invoice;
