-- A lot's expiry is moved once, later, and what it was before stays written (rule 3.8).
CREATE TRIGGER lot_extended_once
  BEFORE UPDATE OF expires_at, time_zone, extended_from, extended_at ON credits_lot
  FOR EACH ROW WHEN (
    (OLD.expires_at, OLD.time_zone, OLD.extended_from, OLD.extended_at)
    IS DISTINCT FROM
    (NEW.expires_at, NEW.time_zone, NEW.extended_from, NEW.extended_at)
    AND NOT (OLD.extended_at IS NULL AND NEW.extended_at IS NOT NULL
      AND NEW.extended_from IS NOT DISTINCT FROM OLD.expires_at
      AND NEW.expires_at > OLD.expires_at
      AND NEW.time_zone IS NOT DISTINCT FROM OLD.time_zone))
  EXECUTE FUNCTION fence_refuse('lot_extended_once');
