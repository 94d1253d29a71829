CREATE TRIGGER facts_calllimits_insert AFTER INSERT ON calling_calllimits BEGIN
  UPDATE credits_wallet SET facts_version = facts_version + 1
    WHERE organisation_id = NEW.organisation_id;
  INSERT INTO calling_factsversion (id, provider) SELECT 1, 2
    WHERE NEW.organisation_id IS NULL
    ON CONFLICT (id) DO UPDATE SET provider = provider + 1;
END;
CREATE TRIGGER facts_calllimits_update AFTER UPDATE ON calling_calllimits BEGIN
  UPDATE credits_wallet SET facts_version = facts_version + 1
    WHERE organisation_id = NEW.organisation_id;
  INSERT INTO calling_factsversion (id, provider) SELECT 1, 2
    WHERE NEW.organisation_id IS NULL
    ON CONFLICT (id) DO UPDATE SET provider = provider + 1;
END;
CREATE TRIGGER facts_calllimits_delete AFTER DELETE ON calling_calllimits BEGIN
  UPDATE credits_wallet SET facts_version = facts_version + 1
    WHERE organisation_id = OLD.organisation_id;
  INSERT INTO calling_factsversion (id, provider) SELECT 1, 2
    WHERE OLD.organisation_id IS NULL
    ON CONFLICT (id) DO UPDATE SET provider = provider + 1;
END;
