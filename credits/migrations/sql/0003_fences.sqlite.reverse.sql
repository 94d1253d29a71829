DROP TRIGGER IF EXISTS lot_extended_once;
