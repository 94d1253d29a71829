-- What a line without a limit spends is not counted, so its months would go stale.
CREATE TRIGGER line_months_need_a_limit AFTER UPDATE OF monthly_limit ON calling_line
WHEN NEW.monthly_limit IS NULL AND OLD.monthly_limit IS NOT NULL BEGIN
  DELETE FROM calling_linemonth WHERE line_id = NEW.id;
END;
