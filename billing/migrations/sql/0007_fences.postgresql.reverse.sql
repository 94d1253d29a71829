DROP TRIGGER closed_month_of_organisation ON billing_closedmonth;
DROP FUNCTION billing_closed_month_of_organisation();
DROP TRIGGER invoice_of_organisation ON billing_invoice;
DROP FUNCTION billing_invoice_of_organisation();
DROP TRIGGER IF EXISTS lines_of_draft_dropped ON billing_invoiceline;
DROP TRIGGER IF EXISTS lines_of_draft_changed ON billing_invoiceline;
DROP TRIGGER IF EXISTS lines_of_draft_made ON billing_invoiceline;
DROP FUNCTION billing_lines_of_draft();
DROP TRIGGER IF EXISTS invoice_never_changes ON billing_invoice;
