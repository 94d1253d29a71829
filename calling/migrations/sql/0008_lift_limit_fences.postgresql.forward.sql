-- SQLite makes the table anew, which would lose them silently.
DROP TRIGGER facts_calllimits_insert ON calling_calllimits;
DROP TRIGGER facts_calllimits_update ON calling_calllimits;
DROP TRIGGER facts_calllimits_delete ON calling_calllimits;
