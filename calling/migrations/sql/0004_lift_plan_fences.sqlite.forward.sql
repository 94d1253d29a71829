-- The table of plans is made anew: what stands on it or names it is lifted meanwhile.
DROP TRIGGER IF EXISTS subscription_mode;
DROP TRIGGER IF EXISTS plan_mode_kept;
