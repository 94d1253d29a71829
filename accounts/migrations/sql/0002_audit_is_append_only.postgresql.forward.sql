CREATE FUNCTION accounts_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', TG_ARGV[0]
    USING ERRCODE = '23514', CONSTRAINT = TG_ARGV[0], TABLE = TG_TABLE_NAME;
END $$;

CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON accounts_auditevent
  FOR EACH STATEMENT EXECUTE FUNCTION accounts_refuse('audit_append_only');
CREATE TRIGGER audit_not_truncated BEFORE TRUNCATE ON accounts_auditevent
  FOR EACH STATEMENT EXECUTE FUNCTION accounts_refuse('audit_append_only');
