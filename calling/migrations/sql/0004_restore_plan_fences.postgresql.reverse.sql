DROP TRIGGER IF EXISTS plan_terms_kept ON calling_callingplan;
DROP TRIGGER IF EXISTS bucket_kept ON calling_planbucket;
DROP TRIGGER IF EXISTS bucket_no_truncate ON calling_planbucket;
DROP TRIGGER IF EXISTS bucket_of_new_plan ON calling_planbucket;
DROP FUNCTION IF EXISTS calling_bucket_of_new_plan();
DROP TRIGGER IF EXISTS quantity_change_kept ON calling_quantitychange;
DROP TRIGGER IF EXISTS quantity_change_no_truncate ON calling_quantitychange;
