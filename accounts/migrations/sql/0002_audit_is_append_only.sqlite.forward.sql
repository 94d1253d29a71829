CREATE TRIGGER audit_append_only_update BEFORE UPDATE ON accounts_auditevent
BEGIN SELECT RAISE(ABORT, 'audit_append_only'); END;
CREATE TRIGGER audit_append_only_delete BEFORE DELETE ON accounts_auditevent
BEGIN SELECT RAISE(ABORT, 'audit_append_only'); END;
