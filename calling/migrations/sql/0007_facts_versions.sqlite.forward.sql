-- Whoever judged a call by an older count judges again (rule 9.1).
CREATE TRIGGER facts_line_insert AFTER INSERT ON calling_line BEGIN
  UPDATE credits_wallet SET facts_version = facts_version + 1
    WHERE organisation_id = NEW.organisation_id;
END;
CREATE TRIGGER facts_line_update AFTER UPDATE ON calling_line BEGIN
  UPDATE credits_wallet SET facts_version = facts_version + 1
    WHERE organisation_id = NEW.organisation_id;
END;
CREATE TRIGGER facts_line_delete AFTER DELETE ON calling_line BEGIN
  UPDATE credits_wallet SET facts_version = facts_version + 1
    WHERE organisation_id = OLD.organisation_id;
END;
CREATE TRIGGER facts_licence_insert AFTER INSERT ON calling_licence BEGIN
  UPDATE credits_wallet SET facts_version = facts_version + 1
    WHERE organisation_id = NEW.organisation_id;
END;
CREATE TRIGGER facts_licence_update AFTER UPDATE ON calling_licence BEGIN
  UPDATE credits_wallet SET facts_version = facts_version + 1
    WHERE organisation_id = NEW.organisation_id;
END;
CREATE TRIGGER facts_licence_delete AFTER DELETE ON calling_licence BEGIN
  UPDATE credits_wallet SET facts_version = facts_version + 1
    WHERE organisation_id = OLD.organisation_id;
END;
CREATE TRIGGER facts_subscription_insert AFTER INSERT ON calling_subscription BEGIN
  UPDATE credits_wallet SET facts_version = facts_version + 1
    WHERE organisation_id = NEW.organisation_id;
END;
CREATE TRIGGER facts_subscription_update AFTER UPDATE ON calling_subscription BEGIN
  UPDATE credits_wallet SET facts_version = facts_version + 1
    WHERE organisation_id = NEW.organisation_id;
END;
CREATE TRIGGER facts_subscription_delete AFTER DELETE ON calling_subscription BEGIN
  UPDATE credits_wallet SET facts_version = facts_version + 1
    WHERE organisation_id = OLD.organisation_id;
END;
CREATE TRIGGER facts_spendinglimit_insert AFTER INSERT ON calling_spendinglimit BEGIN
  UPDATE credits_wallet SET facts_version = facts_version + 1
    WHERE organisation_id = NEW.organisation_id;
END;
CREATE TRIGGER facts_spendinglimit_update AFTER UPDATE ON calling_spendinglimit BEGIN
  UPDATE credits_wallet SET facts_version = facts_version + 1
    WHERE organisation_id = NEW.organisation_id;
END;
CREATE TRIGGER facts_spendinglimit_delete AFTER DELETE ON calling_spendinglimit BEGIN
  UPDATE credits_wallet SET facts_version = facts_version + 1
    WHERE organisation_id = OLD.organisation_id;
END;
CREATE TRIGGER facts_barring_insert AFTER INSERT ON calling_barring BEGIN
  UPDATE credits_wallet SET facts_version = facts_version + 1
    WHERE organisation_id = NEW.organisation_id;
  INSERT INTO calling_factsversion (id, provider) SELECT 1, 2
    WHERE NEW.organisation_id IS NULL
    ON CONFLICT (id) DO UPDATE SET provider = provider + 1;
END;
CREATE TRIGGER facts_barring_update AFTER UPDATE ON calling_barring BEGIN
  UPDATE credits_wallet SET facts_version = facts_version + 1
    WHERE organisation_id = NEW.organisation_id;
  INSERT INTO calling_factsversion (id, provider) SELECT 1, 2
    WHERE NEW.organisation_id IS NULL
    ON CONFLICT (id) DO UPDATE SET provider = provider + 1;
END;
CREATE TRIGGER facts_barring_delete AFTER DELETE ON calling_barring BEGIN
  UPDATE credits_wallet SET facts_version = facts_version + 1
    WHERE organisation_id = OLD.organisation_id;
  INSERT INTO calling_factsversion (id, provider) SELECT 1, 2
    WHERE OLD.organisation_id IS NULL
    ON CONFLICT (id) DO UPDATE SET provider = provider + 1;
END;
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
CREATE TRIGGER facts_billingmodeperiod_insert AFTER INSERT ON accounts_billingmodeperiod BEGIN
  UPDATE credits_wallet SET facts_version = facts_version + 1
    WHERE organisation_id = NEW.organisation_id;
END;
CREATE TRIGGER facts_billingmodeperiod_update AFTER UPDATE ON accounts_billingmodeperiod BEGIN
  UPDATE credits_wallet SET facts_version = facts_version + 1
    WHERE organisation_id = NEW.organisation_id;
END;
CREATE TRIGGER facts_billingmodeperiod_delete AFTER DELETE ON accounts_billingmodeperiod BEGIN
  UPDATE credits_wallet SET facts_version = facts_version + 1
    WHERE organisation_id = OLD.organisation_id;
END;
CREATE TRIGGER facts_organisation_update AFTER UPDATE ON accounts_organisation BEGIN
  UPDATE credits_wallet SET facts_version = facts_version + 1
    WHERE organisation_id = NEW.id;
END;
-- Not when a key is used or a source is heard: only what judging reads.
CREATE TRIGGER facts_source_insert AFTER INSERT ON calling_source BEGIN
  INSERT INTO calling_factsversion (id, provider) VALUES (1, 2)
    ON CONFLICT (id) DO UPDATE SET provider = provider + 1;
END;
CREATE TRIGGER facts_source_update AFTER UPDATE OF slug, home_country, api_key_id, rewrite_rules, owner_map, longest_grant_seconds ON calling_source BEGIN
  INSERT INTO calling_factsversion (id, provider) VALUES (1, 2)
    ON CONFLICT (id) DO UPDATE SET provider = provider + 1;
END;
CREATE TRIGGER facts_source_delete AFTER DELETE ON calling_source BEGIN
  INSERT INTO calling_factsversion (id, provider) VALUES (1, 2)
    ON CONFLICT (id) DO UPDATE SET provider = provider + 1;
END;
CREATE TRIGGER facts_apikey_update AFTER UPDATE OF digest, scopes, allowed_ips, expires_at, revoked_at ON accounts_apikey WHEN NEW.organisation_id IS NULL BEGIN
  INSERT INTO calling_factsversion (id, provider) VALUES (1, 2)
    ON CONFLICT (id) DO UPDATE SET provider = provider + 1;
END;
CREATE TRIGGER facts_ratecard_insert AFTER INSERT ON calling_ratecard BEGIN
  INSERT INTO calling_factsversion (id, provider) VALUES (1, 2)
    ON CONFLICT (id) DO UPDATE SET provider = provider + 1;
END;
CREATE TRIGGER facts_ratecard_update AFTER UPDATE ON calling_ratecard BEGIN
  INSERT INTO calling_factsversion (id, provider) VALUES (1, 2)
    ON CONFLICT (id) DO UPDATE SET provider = provider + 1;
END;
CREATE TRIGGER facts_ratecard_delete AFTER DELETE ON calling_ratecard BEGIN
  INSERT INTO calling_factsversion (id, provider) VALUES (1, 2)
    ON CONFLICT (id) DO UPDATE SET provider = provider + 1;
END;
CREATE TRIGGER facts_ratecardversion_insert AFTER INSERT ON calling_ratecardversion BEGIN
  INSERT INTO calling_factsversion (id, provider) VALUES (1, 2)
    ON CONFLICT (id) DO UPDATE SET provider = provider + 1;
END;
CREATE TRIGGER facts_ratecardversion_update AFTER UPDATE OF valid_from, digest ON calling_ratecardversion BEGIN
  INSERT INTO calling_factsversion (id, provider) VALUES (1, 2)
    ON CONFLICT (id) DO UPDATE SET provider = provider + 1;
END;
CREATE TRIGGER facts_ratecardversion_delete AFTER DELETE ON calling_ratecardversion BEGIN
  INSERT INTO calling_factsversion (id, provider) VALUES (1, 2)
    ON CONFLICT (id) DO UPDATE SET provider = provider + 1;
END;
CREATE TRIGGER facts_callcountry_insert AFTER INSERT ON calling_callcountry BEGIN
  INSERT INTO calling_factsversion (id, provider) VALUES (1, 2)
    ON CONFLICT (id) DO UPDATE SET provider = provider + 1;
END;
CREATE TRIGGER facts_callcountry_update AFTER UPDATE ON calling_callcountry BEGIN
  INSERT INTO calling_factsversion (id, provider) VALUES (1, 2)
    ON CONFLICT (id) DO UPDATE SET provider = provider + 1;
END;
CREATE TRIGGER facts_callcountry_delete AFTER DELETE ON calling_callcountry BEGIN
  INSERT INTO calling_factsversion (id, provider) VALUES (1, 2)
    ON CONFLICT (id) DO UPDATE SET provider = provider + 1;
END;
CREATE TRIGGER facts_numberassignment_insert AFTER INSERT ON calling_numberassignment BEGIN
  INSERT INTO calling_factsversion (id, numbers) VALUES (1, 2)
    ON CONFLICT (id) DO UPDATE SET numbers = numbers + 1;
END;
CREATE TRIGGER facts_numberassignment_update AFTER UPDATE ON calling_numberassignment BEGIN
  INSERT INTO calling_factsversion (id, numbers) VALUES (1, 2)
    ON CONFLICT (id) DO UPDATE SET numbers = numbers + 1;
END;
CREATE TRIGGER facts_numberassignment_delete AFTER DELETE ON calling_numberassignment BEGIN
  INSERT INTO calling_factsversion (id, numbers) VALUES (1, 2)
    ON CONFLICT (id) DO UPDATE SET numbers = numbers + 1;
END;
-- Words by which an organisation is found, and one that can own calls from now on.
CREATE TRIGGER facts_organisation_words AFTER UPDATE OF slug, account_code ON accounts_organisation BEGIN
  INSERT INTO calling_factsversion (id, numbers) VALUES (1, 2)
    ON CONFLICT (id) DO UPDATE SET numbers = numbers + 1;
END;
CREATE TRIGGER facts_wallet_insert AFTER INSERT ON credits_wallet BEGIN
  INSERT INTO calling_factsversion (id, numbers) VALUES (1, 2)
    ON CONFLICT (id) DO UPDATE SET numbers = numbers + 1;
END;
