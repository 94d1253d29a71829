DROP TRIGGER IF EXISTS lot_extended_once ON credits_lot;
