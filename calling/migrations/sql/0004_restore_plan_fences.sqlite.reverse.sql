DROP TRIGGER IF EXISTS subscription_mode;
DROP TRIGGER IF EXISTS plan_mode_kept;
DROP TRIGGER IF EXISTS plan_terms_kept;
DROP TRIGGER IF EXISTS bucket_kept;
DROP TRIGGER IF EXISTS bucket_never_deleted;
DROP TRIGGER IF EXISTS bucket_of_new_plan;
DROP TRIGGER IF EXISTS quantity_change_kept;
DROP TRIGGER IF EXISTS quantity_change_never_deleted;
