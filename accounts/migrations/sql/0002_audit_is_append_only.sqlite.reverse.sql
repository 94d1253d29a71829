DROP TRIGGER audit_append_only_update;
DROP TRIGGER audit_append_only_delete;
