-- Whoever judged a call by an older count judges again (rule 9.1). Wallets ascending,
-- as everywhere (rule 3.10).
CREATE FUNCTION calling_facts_of_provider() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO calling_factsversion (id, provider) VALUES (1, 2)
    ON CONFLICT (id) DO UPDATE SET provider = calling_factsversion.provider + 1;
  RETURN NULL;
END $$;
CREATE FUNCTION calling_facts_of_numbers() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO calling_factsversion (id, numbers) VALUES (1, 2)
    ON CONFLICT (id) DO UPDATE SET numbers = calling_factsversion.numbers + 1;
  RETURN NULL;
END $$;
CREATE FUNCTION calling_count_facts(owners bigint[]) RETURNS void LANGUAGE sql AS $$
  WITH concerned AS (
    SELECT organisation_id FROM credits_wallet WHERE organisation_id = ANY (owners)
    ORDER BY organisation_id FOR NO KEY UPDATE)
  UPDATE credits_wallet SET facts_version = facts_version + 1 FROM concerned
  WHERE credits_wallet.organisation_id = concerned.organisation_id
$$;
CREATE FUNCTION calling_facts_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE owners bigint[]; of_provider boolean; BEGIN
  SELECT array_agg(DISTINCT organisation_id), bool_or(organisation_id IS NULL)
    INTO owners, of_provider FROM changed;
  PERFORM calling_count_facts(owners);
  IF of_provider THEN
    INSERT INTO calling_factsversion (id, provider) VALUES (1, 2)
      ON CONFLICT (id) DO UPDATE SET provider = calling_factsversion.provider + 1;
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION calling_organisation_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM calling_count_facts((SELECT array_agg(id) FROM changed));
  RETURN NULL;
END $$;
CREATE TRIGGER facts_line_insert AFTER INSERT ON calling_line
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
CREATE TRIGGER facts_line_update AFTER UPDATE ON calling_line
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
CREATE TRIGGER facts_line_delete AFTER DELETE ON calling_line
  REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
CREATE TRIGGER facts_licence_insert AFTER INSERT ON calling_licence
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
CREATE TRIGGER facts_licence_update AFTER UPDATE ON calling_licence
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
CREATE TRIGGER facts_licence_delete AFTER DELETE ON calling_licence
  REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
CREATE TRIGGER facts_subscription_insert AFTER INSERT ON calling_subscription
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
CREATE TRIGGER facts_subscription_update AFTER UPDATE ON calling_subscription
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
CREATE TRIGGER facts_subscription_delete AFTER DELETE ON calling_subscription
  REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
CREATE TRIGGER facts_spendinglimit_insert AFTER INSERT ON calling_spendinglimit
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
CREATE TRIGGER facts_spendinglimit_update AFTER UPDATE ON calling_spendinglimit
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
CREATE TRIGGER facts_spendinglimit_delete AFTER DELETE ON calling_spendinglimit
  REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
CREATE TRIGGER facts_barring_insert AFTER INSERT ON calling_barring
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
CREATE TRIGGER facts_barring_update AFTER UPDATE ON calling_barring
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
CREATE TRIGGER facts_barring_delete AFTER DELETE ON calling_barring
  REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
CREATE TRIGGER facts_calllimits_insert AFTER INSERT ON calling_calllimits
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
CREATE TRIGGER facts_calllimits_update AFTER UPDATE ON calling_calllimits
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
CREATE TRIGGER facts_calllimits_delete AFTER DELETE ON calling_calllimits
  REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
CREATE TRIGGER facts_billingmodeperiod_insert AFTER INSERT ON accounts_billingmodeperiod
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
CREATE TRIGGER facts_billingmodeperiod_update AFTER UPDATE ON accounts_billingmodeperiod
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
CREATE TRIGGER facts_billingmodeperiod_delete AFTER DELETE ON accounts_billingmodeperiod
  REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_changed();
CREATE TRIGGER facts_organisation_update AFTER UPDATE ON accounts_organisation
  REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION calling_organisation_changed();
-- Not when a key is used or a source is heard: only what judging reads.
CREATE TRIGGER facts_source_insert AFTER INSERT ON calling_source
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_of_provider();
CREATE TRIGGER facts_source_update AFTER UPDATE OF slug, home_country, api_key_id, rewrite_rules, owner_map, longest_grant_seconds ON calling_source
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_of_provider();
CREATE TRIGGER facts_source_delete AFTER DELETE ON calling_source
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_of_provider();
CREATE TRIGGER facts_apikey_update AFTER UPDATE OF digest, scopes, allowed_ips, expires_at, revoked_at ON accounts_apikey
  FOR EACH ROW WHEN (NEW.organisation_id IS NULL) EXECUTE FUNCTION calling_facts_of_provider();
CREATE TRIGGER facts_ratecard_insert AFTER INSERT ON calling_ratecard
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_of_provider();
CREATE TRIGGER facts_ratecard_update AFTER UPDATE ON calling_ratecard
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_of_provider();
CREATE TRIGGER facts_ratecard_delete AFTER DELETE ON calling_ratecard
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_of_provider();
CREATE TRIGGER facts_ratecardversion_insert AFTER INSERT ON calling_ratecardversion
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_of_provider();
CREATE TRIGGER facts_ratecardversion_update AFTER UPDATE OF valid_from, digest ON calling_ratecardversion
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_of_provider();
CREATE TRIGGER facts_ratecardversion_delete AFTER DELETE ON calling_ratecardversion
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_of_provider();
CREATE TRIGGER facts_callcountry_insert AFTER INSERT ON calling_callcountry
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_of_provider();
CREATE TRIGGER facts_callcountry_update AFTER UPDATE ON calling_callcountry
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_of_provider();
CREATE TRIGGER facts_callcountry_delete AFTER DELETE ON calling_callcountry
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_of_provider();
CREATE TRIGGER facts_numberassignment_insert AFTER INSERT ON calling_numberassignment
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_of_numbers();
CREATE TRIGGER facts_numberassignment_update AFTER UPDATE ON calling_numberassignment
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_of_numbers();
CREATE TRIGGER facts_numberassignment_delete AFTER DELETE ON calling_numberassignment
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_of_numbers();
-- Words by which an organisation is found, and one that can own calls from now on.
CREATE TRIGGER facts_organisation_words AFTER UPDATE OF slug, account_code ON accounts_organisation
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_of_numbers();
CREATE TRIGGER facts_wallet_insert AFTER INSERT ON credits_wallet
  FOR EACH STATEMENT EXECUTE FUNCTION calling_facts_of_numbers();
