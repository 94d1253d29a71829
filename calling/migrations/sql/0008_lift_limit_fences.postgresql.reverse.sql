CREATE TRIGGER facts_calllimits_insert AFTER INSERT ON calling_calllimits
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
CREATE TRIGGER facts_calllimits_update AFTER UPDATE ON calling_calllimits
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
CREATE TRIGGER facts_calllimits_delete AFTER DELETE ON calling_calllimits
  REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
