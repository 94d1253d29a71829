-- What a line without a limit spends is not counted, so its months would go stale.
CREATE FUNCTION calling_forget_line_months() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  DELETE FROM calling_linemonth WHERE line_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER line_months_need_a_limit AFTER UPDATE OF monthly_limit ON calling_line
  FOR EACH ROW WHEN (NEW.monthly_limit IS NULL AND OLD.monthly_limit IS NOT NULL)
  EXECUTE FUNCTION calling_forget_line_months();
