DROP TRIGGER facts_calllimits_insert;
DROP TRIGGER facts_calllimits_update;
DROP TRIGGER facts_calllimits_delete;
