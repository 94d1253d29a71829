-- Proves the copied billing mode and the currency of a sale at its birth (rule 2.1), and
-- that nothing is sold to an organisation that was closed (rule 1.8).
CREATE TRIGGER top_up_prove_sale BEFORE INSERT ON billing_topup BEGIN
  SELECT RAISE(ABORT, 'credits_not_for_sale') WHERE NEW.billing_mode IS NOT
    (SELECT billing_mode FROM accounts_organisation WHERE id = NEW.organisation_id);
  SELECT RAISE(ABORT, 'sale_in_own_currency') WHERE NEW.currency IS NOT
    (SELECT currency FROM accounts_organisation WHERE id = NEW.organisation_id);
  SELECT RAISE(ABORT, 'organisation_closed') WHERE EXISTS (SELECT 1
    FROM accounts_organisation WHERE id = NEW.organisation_id AND closed_at IS NOT NULL);
END;

-- A payment that names an announced transfer is the end of a sale that began with it, so
-- it has the announcement's mode, whatever the organisation's is by now (rule 2.2). After
-- a move no more is delivered than was announced.
CREATE TRIGGER staff_payment_prove_sale BEFORE INSERT ON billing_staffpayment BEGIN
  SELECT RAISE(ABORT, 'credits_not_for_sale') WHERE NEW.billing_mode IS NOT coalesce(
    (SELECT billing_mode FROM billing_transferannouncement
      WHERE id = NEW.announcement_id AND organisation_id = NEW.organisation_id
        AND currency = NEW.currency AND state = 'announced'
        AND ROUND(NEW.amount * 1000) <= ROUND(amount * 1000)),
    (SELECT billing_mode FROM accounts_organisation WHERE id = NEW.organisation_id));
  SELECT RAISE(ABORT, 'sale_in_own_currency') WHERE NEW.currency IS NOT
    (SELECT currency FROM accounts_organisation WHERE id = NEW.organisation_id);
  SELECT RAISE(ABORT, 'payment_names_open_transfer')
    WHERE NEW.announcement_id IS NOT NULL AND NOT EXISTS
      (SELECT 1 FROM billing_transferannouncement
        WHERE id = NEW.announcement_id AND organisation_id = NEW.organisation_id
          AND state = 'announced');
END;

-- A sale keeps its organisation and mode; handed to NCE, it is refused as sold to it.
CREATE TRIGGER top_up_keeps_mode BEFORE UPDATE ON billing_topup
WHEN OLD.organisation_id IS NOT NEW.organisation_id
  OR OLD.billing_mode IS NOT NEW.billing_mode
BEGIN
  SELECT RAISE(ABORT, 'credits_not_for_sale') WHERE NEW.billing_mode IS NOT 'PREPAID'
    OR OLD.organisation_id <> NEW.organisation_id AND EXISTS
    (SELECT 1 FROM accounts_organisation
      WHERE id = NEW.organisation_id AND billing_mode <> 'PREPAID');
  SELECT RAISE(ABORT, 'sale_keeps_mode');
END;
CREATE TRIGGER staff_payment_keeps_mode BEFORE UPDATE ON billing_staffpayment
WHEN OLD.organisation_id IS NOT NEW.organisation_id
  OR OLD.billing_mode IS NOT NEW.billing_mode
BEGIN
  SELECT RAISE(ABORT, 'credits_not_for_sale') WHERE NEW.billing_mode IS NOT 'PREPAID'
    OR OLD.organisation_id <> NEW.organisation_id AND EXISTS
    (SELECT 1 FROM accounts_organisation
      WHERE id = NEW.organisation_id AND billing_mode <> 'PREPAID');
  SELECT RAISE(ABORT, 'sale_keeps_mode');
END;

CREATE TRIGGER top_up_keeps_amount BEFORE UPDATE ON billing_topup
WHEN OLD.currency IS NOT NEW.currency OR OLD.credit IS NOT NEW.credit
  OR OLD.tax IS NOT NEW.tax OR OLD.total IS NOT NEW.total
  OR OLD.kind IS NOT NEW.kind
BEGIN SELECT RAISE(ABORT, 'sale_keeps_amount'); END;
CREATE TRIGGER staff_payment_keeps_amount BEFORE UPDATE ON billing_staffpayment
WHEN OLD.currency IS NOT NEW.currency OR OLD.amount IS NOT NEW.amount
  OR OLD.tax IS NOT NEW.tax
  OR OLD.announcement_id IS NOT NEW.announcement_id
BEGIN SELECT RAISE(ABORT, 'sale_keeps_amount'); END;

CREATE TRIGGER top_up_stays_paid BEFORE UPDATE ON billing_topup
WHEN OLD.state = 'paid' AND (NEW.state <> 'paid'
  OR OLD.stripe_payment_intent_id <> NEW.stripe_payment_intent_id
  OR OLD.receipt_number <> NEW.receipt_number OR OLD.paid_at IS NOT NEW.paid_at
  OR OLD.received IS NOT NEW.received)
BEGIN SELECT RAISE(ABORT, 'top_up_stays_paid'); END;

CREATE TRIGGER top_up_is_kept BEFORE DELETE ON billing_topup
BEGIN SELECT RAISE(ABORT, 'sale_is_kept'); END;
CREATE TRIGGER staff_payment_is_kept BEFORE DELETE ON billing_staffpayment
BEGIN SELECT RAISE(ABORT, 'sale_is_kept'); END;

-- A lot of a sold kind has its sale: same organisation, amount and kind, paid (rule 2.1).
-- A sale's amount is a decimal, which SQLite holds as a float; its micros are exact.
CREATE TRIGGER lot_names_sale BEFORE INSERT ON credits_lot
WHEN NEW.kind IN ('purchase', 'recharge', 'staff_payment')
BEGIN
  SELECT RAISE(ABORT, 'lot_names_sale') WHERE NEW.kind = 'staff_payment' AND NOT EXISTS
    (SELECT 1 FROM billing_staffpayment WHERE id = NEW.sale_id
      AND organisation_id = NEW.organisation_id AND currency = NEW.currency
      AND CAST(ROUND((amount - tax) * 1000) AS INTEGER) * 1000 = NEW.original);
  SELECT RAISE(ABORT, 'lot_names_sale') WHERE NEW.kind <> 'staff_payment' AND NOT EXISTS
    (SELECT 1 FROM billing_topup WHERE id = NEW.sale_id
      AND organisation_id = NEW.organisation_id AND currency = NEW.currency
      AND CAST(ROUND(credit * 1000) AS INTEGER) * 1000 = NEW.original
      AND state = 'paid' AND kind = NEW.kind);
END;
