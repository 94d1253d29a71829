-- SQLite alters a table by copying it, and a copy has no triggers.
DROP TRIGGER IF EXISTS closed_month_is_kept;
DROP TRIGGER IF EXISTS closed_month_never_changes;
DROP TRIGGER IF EXISTS line_keeps_invoice;
DROP TRIGGER IF EXISTS lines_of_draft_dropped;
DROP TRIGGER IF EXISTS lines_of_draft_changed;
DROP TRIGGER IF EXISTS lines_of_draft_made;
DROP TRIGGER IF EXISTS invoice_adds_up;
DROP TRIGGER IF EXISTS invoice_is_kept;
DROP TRIGGER IF EXISTS invoice_never_changes;
