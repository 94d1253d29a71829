-- A lot's expiry is moved once, later, and what it was before stays written (rule 3.8).
CREATE TRIGGER lot_extended_once
BEFORE UPDATE OF expires_at, time_zone, extended_from, extended_at ON credits_lot
WHEN (NEW.expires_at IS NOT OLD.expires_at OR NEW.time_zone IS NOT OLD.time_zone
   OR NEW.extended_from IS NOT OLD.extended_from OR NEW.extended_at IS NOT OLD.extended_at)
 AND NOT (OLD.extended_at IS NULL AND NEW.extended_at IS NOT NULL
   AND NEW.extended_from IS OLD.expires_at AND NEW.expires_at > OLD.expires_at
   AND NEW.time_zone IS OLD.time_zone)
BEGIN SELECT RAISE(ABORT, 'lot_extended_once'); END;
