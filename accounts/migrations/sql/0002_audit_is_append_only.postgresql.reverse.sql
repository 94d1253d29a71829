DROP TRIGGER audit_append_only ON accounts_auditevent;
DROP TRIGGER audit_not_truncated ON accounts_auditevent;
DROP FUNCTION accounts_refuse();
