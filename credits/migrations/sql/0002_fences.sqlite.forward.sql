-- 1. Entries never change.
CREATE TRIGGER entry_append_only BEFORE UPDATE ON credits_ledgerentry
BEGIN SELECT RAISE(ABORT, 'entry_append_only'); END;
CREATE TRIGGER entry_never_deleted BEFORE DELETE ON credits_ledgerentry
BEGIN SELECT RAISE(ABORT, 'entry_append_only'); END;

-- 2. Entries move lots and wallets. The checks stand here in words because
-- INSERT OR IGNORE hands its policy on to the updates inside a trigger.
CREATE TRIGGER entry_apply AFTER INSERT ON credits_ledgerentry
BEGIN
  SELECT RAISE(ABORT, 'entry_names_own_lot') WHERE NEW.lot_id IS NOT NULL AND NOT EXISTS
    (SELECT 1 FROM credits_lot WHERE id = NEW.lot_id AND organisation_id = NEW.organisation_id);
  SELECT RAISE(ABORT, 'entry_names_own_lot') WHERE NOT EXISTS
    (SELECT 1 FROM credits_wallet WHERE organisation_id = NEW.organisation_id);
  SELECT RAISE(ABORT, 'lot_remaining_range') WHERE NEW.lot_id IS NOT NULL AND NOT EXISTS
    (SELECT 1 FROM credits_lot WHERE id = NEW.lot_id AND remaining + NEW.amount BETWEEN 0 AND original);
  SELECT RAISE(ABORT, 'wallet_amounts_not_negative') WHERE NEW.lot_id IS NULL AND NEW.amount >
    (SELECT debt FROM credits_wallet WHERE organisation_id = NEW.organisation_id);
  UPDATE credits_lot
     SET remaining = remaining + NEW.amount, moved_by = NEW.id,
         exhausted_at = CASE WHEN remaining + NEW.amount = 0 THEN NEW.booked_at END
   WHERE id = NEW.lot_id;
  UPDATE credits_wallet
     SET credit = credit + iif(NEW.lot_id IS NULL, 0, NEW.amount),
         debt = debt - iif(NEW.lot_id IS NULL, NEW.amount, 0),
         moved_by = NEW.id
   WHERE organisation_id = NEW.organisation_id;
END;

-- 3. Nobody else moves them: a change must be that of an entry newer than the last one
-- applied, and since every entry is applied at once there is none to cite by hand.
CREATE TRIGGER lot_moved_by_entries BEFORE UPDATE OF remaining, moved_by ON credits_lot
WHEN (NEW.remaining <> OLD.remaining OR NEW.moved_by <> OLD.moved_by)
 AND (NEW.moved_by <= OLD.moved_by OR NEW.remaining - OLD.remaining IS NOT
      (SELECT amount FROM credits_ledgerentry WHERE id = NEW.moved_by AND lot_id = NEW.id))
BEGIN SELECT RAISE(ABORT, 'lot_moved_by_entries'); END;
CREATE TRIGGER wallet_moved_by_entries BEFORE UPDATE OF credit, debt, moved_by ON credits_wallet
WHEN (NEW.credit <> OLD.credit OR NEW.debt <> OLD.debt OR NEW.moved_by <> OLD.moved_by)
 AND (NEW.moved_by <= OLD.moved_by OR NOT EXISTS
      (SELECT 1 FROM credits_ledgerentry
        WHERE id = NEW.moved_by AND organisation_id = NEW.organisation_id
          AND NEW.credit - OLD.credit = iif(lot_id IS NULL, 0, amount)
          AND OLD.debt - NEW.debt = iif(lot_id IS NULL, amount, 0)))
BEGIN SELECT RAISE(ABORT, 'wallet_moved_by_entries'); END;
CREATE TRIGGER lot_never_deleted BEFORE DELETE ON credits_lot
BEGIN SELECT RAISE(ABORT, 'lot_moved_by_entries'); END;
CREATE TRIGGER wallet_never_deleted BEFORE DELETE ON credits_wallet
BEGIN SELECT RAISE(ABORT, 'wallet_moved_by_entries'); END;

-- 4. Lots and wallets are born empty.
CREATE TRIGGER lot_born_empty BEFORE INSERT ON credits_lot
WHEN NEW.remaining <> 0 OR NEW.moved_by <> 0
BEGIN SELECT RAISE(ABORT, 'lot_moved_by_entries'); END;
CREATE TRIGGER wallet_born_empty BEFORE INSERT ON credits_wallet
WHEN NEW.credit <> 0 OR NEW.debt <> 0 OR NEW.moved_by <> 0 OR NEW.last_seq <> 0
BEGIN SELECT RAISE(ABORT, 'wallet_moved_by_entries'); END;

-- 5. What was agreed stays agreed.
CREATE TRIGGER lot_terms_fixed
BEFORE UPDATE OF id, organisation_id, kind, currency, original, issued_at, reference, sale_id ON credits_lot
WHEN NEW.id IS NOT OLD.id OR NEW.organisation_id IS NOT OLD.organisation_id
  OR NEW.kind IS NOT OLD.kind OR NEW.currency IS NOT OLD.currency
  OR NEW.original IS NOT OLD.original OR NEW.issued_at IS NOT OLD.issued_at
  OR NEW.reference IS NOT OLD.reference OR NEW.sale_id IS NOT OLD.sale_id
BEGIN SELECT RAISE(ABORT, 'lot_terms_fixed'); END;
CREATE TRIGGER wallet_terms_fixed BEFORE UPDATE OF organisation_id, currency ON credits_wallet
WHEN NEW.organisation_id IS NOT OLD.organisation_id OR NEW.currency IS NOT OLD.currency
BEGIN SELECT RAISE(ABORT, 'wallet_terms_fixed'); END;

-- 6. A lot has its wallet's currency, and entries their lot's: so money never changes kind.
-- 7. Promotional credit is not given to an NCE organisation (rule 2.1).
CREATE TRIGGER lot_check_birth BEFORE INSERT ON credits_lot
BEGIN
  SELECT RAISE(ABORT, 'lot_in_wallets_currency') WHERE NOT EXISTS
    (SELECT 1 FROM credits_wallet WHERE organisation_id = NEW.organisation_id AND currency = NEW.currency);
  SELECT RAISE(ABORT, 'credits_not_held') WHERE NEW.kind = 'promotional' AND EXISTS
    (SELECT 1 FROM accounts_organisation WHERE id = NEW.organisation_id AND billing_mode <> 'PREPAID');
END;
