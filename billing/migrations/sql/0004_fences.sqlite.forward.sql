-- The mode and currency of what sells credit by itself or is announced (rule 2.1).
CREATE TRIGGER auto_recharge_prove_sale BEFORE INSERT ON billing_autorecharge BEGIN
  SELECT RAISE(ABORT, 'credits_not_for_sale') WHERE NEW.billing_mode IS NOT
    (SELECT billing_mode FROM accounts_organisation WHERE id = NEW.organisation_id);
  SELECT RAISE(ABORT, 'sale_in_own_currency') WHERE NEW.currency IS NOT
    (SELECT currency FROM accounts_organisation WHERE id = NEW.organisation_id);
END;
CREATE TRIGGER recharge_prove_sale BEFORE INSERT ON billing_rechargeattempt BEGIN
  SELECT RAISE(ABORT, 'credits_not_for_sale') WHERE NEW.billing_mode IS NOT
    (SELECT billing_mode FROM accounts_organisation WHERE id = NEW.organisation_id);
  SELECT RAISE(ABORT, 'sale_in_own_currency') WHERE NEW.currency IS NOT
    (SELECT currency FROM accounts_organisation WHERE id = NEW.organisation_id);
  SELECT RAISE(ABORT, 'organisation_closed') WHERE EXISTS (SELECT 1
    FROM accounts_organisation WHERE id = NEW.organisation_id AND closed_at IS NOT NULL);
END;
CREATE TRIGGER transfer_prove_sale BEFORE INSERT ON billing_transferannouncement BEGIN
  SELECT RAISE(ABORT, 'credits_not_for_sale') WHERE NEW.billing_mode IS NOT
    (SELECT billing_mode FROM accounts_organisation WHERE id = NEW.organisation_id);
  SELECT RAISE(ABORT, 'sale_in_own_currency') WHERE NEW.currency IS NOT
    (SELECT currency FROM accounts_organisation WHERE id = NEW.organisation_id);
END;

-- Settings are changed while they are on, so their owner is proven at each UPDATE:
-- an organisation that moved to NCE cannot go on with a row that was left behind.
CREATE TRIGGER auto_recharge_keeps_mode BEFORE UPDATE ON billing_autorecharge BEGIN
  SELECT RAISE(ABORT, 'credits_not_for_sale') WHERE NEW.billing_mode IS NOT 'PREPAID'
    OR (SELECT billing_mode FROM accounts_organisation
      WHERE id = NEW.organisation_id) IS NOT 'PREPAID';
  SELECT RAISE(ABORT, 'sale_keeps_mode') WHERE
    OLD.organisation_id <> NEW.organisation_id OR OLD.currency <> NEW.currency;
END;
CREATE TRIGGER recharge_keeps_mode BEFORE UPDATE ON billing_rechargeattempt
WHEN OLD.organisation_id IS NOT NEW.organisation_id
  OR OLD.billing_mode IS NOT NEW.billing_mode
BEGIN
  SELECT RAISE(ABORT, 'credits_not_for_sale') WHERE NEW.billing_mode IS NOT 'PREPAID'
    OR OLD.organisation_id <> NEW.organisation_id AND EXISTS
    (SELECT 1 FROM accounts_organisation
      WHERE id = NEW.organisation_id AND billing_mode <> 'PREPAID');
  SELECT RAISE(ABORT, 'sale_keeps_mode');
END;
CREATE TRIGGER transfer_keeps_mode BEFORE UPDATE ON billing_transferannouncement
WHEN OLD.organisation_id IS NOT NEW.organisation_id
  OR OLD.billing_mode IS NOT NEW.billing_mode
BEGIN
  SELECT RAISE(ABORT, 'credits_not_for_sale') WHERE NEW.billing_mode IS NOT 'PREPAID'
    OR OLD.organisation_id <> NEW.organisation_id AND EXISTS
    (SELECT 1 FROM accounts_organisation
      WHERE id = NEW.organisation_id AND billing_mode <> 'PREPAID');
  SELECT RAISE(ABORT, 'sale_keeps_mode');
END;
CREATE TRIGGER transfer_keeps_amount BEFORE UPDATE ON billing_transferannouncement
WHEN OLD.currency IS NOT NEW.currency OR OLD.amount IS NOT NEW.amount
  OR OLD.reference IS NOT NEW.reference
BEGIN SELECT RAISE(ABORT, 'sale_keeps_amount'); END;

-- A transfer has arrived exactly when a payment names it.
CREATE TRIGGER transfer_matched_names_payment
BEFORE UPDATE ON billing_transferannouncement
WHEN (NEW.state = 'matched') <>
  EXISTS (SELECT 1 FROM billing_staffpayment WHERE announcement_id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'transfer_matched_names_payment'); END;
CREATE TRIGGER transfer_is_born_open BEFORE INSERT ON billing_transferannouncement
WHEN NEW.state = 'matched'
BEGIN SELECT RAISE(ABORT, 'transfer_matched_names_payment'); END;

-- A recharge owns one top-up, of its own organisation and of that kind, for good, and
-- names its organisation's consent.
CREATE TRIGGER recharge_owns_top_up BEFORE INSERT ON billing_rechargeattempt BEGIN
  SELECT RAISE(ABORT, 'recharge_owns_top_up') WHERE NOT EXISTS
    (SELECT 1 FROM billing_topup WHERE id = NEW.top_up_id
      AND organisation_id = NEW.organisation_id AND kind = 'recharge')
    OR NOT EXISTS (SELECT 1 FROM billing_consent WHERE id = NEW.consent_id
      AND organisation_id = NEW.organisation_id);
END;
CREATE TRIGGER recharge_keeps_top_up BEFORE UPDATE ON billing_rechargeattempt
WHEN OLD.top_up_id IS NOT NEW.top_up_id OR OLD.consent_id IS NOT NEW.consent_id
  OR OLD.started_at IS NOT NEW.started_at
BEGIN SELECT RAISE(ABORT, 'recharge_keeps_top_up'); END;

-- A try charges a card of the organisation that is recharged.
CREATE TRIGGER try_names_own_card BEFORE INSERT ON billing_rechargetry BEGIN
  SELECT RAISE(ABORT, 'try_names_own_card') WHERE NOT EXISTS
    (SELECT 1 FROM billing_rechargeattempt AS attempt
      JOIN billing_paymentmethod AS card ON card.organisation_id = attempt.organisation_id
      WHERE attempt.id = NEW.attempt_id AND card.id = NEW.payment_method_id);
END;

-- A payment key is what stands between a resend and a second charge (rule 5.3).
CREATE TRIGGER try_keeps_key BEFORE UPDATE ON billing_rechargetry
WHEN OLD.attempt_id IS NOT NEW.attempt_id OR OLD.number IS NOT NEW.number
  OR OLD.stripe_key IS NOT NEW.stripe_key
  OR OLD.payment_method_id IS NOT NEW.payment_method_id
  OR OLD.first_sent_at IS NOT NULL AND OLD.first_sent_at IS NOT NEW.first_sent_at
BEGIN SELECT RAISE(ABORT, 'try_keeps_key'); END;

-- Consent is evidence: written once.
CREATE TRIGGER consent_never_changes BEFORE UPDATE ON billing_consent
BEGIN SELECT RAISE(ABORT, 'consent_is_kept'); END;

CREATE TRIGGER consent_is_kept BEFORE DELETE ON billing_consent
BEGIN SELECT RAISE(ABORT, 'consent_is_kept'); END;
CREATE TRIGGER card_is_kept BEFORE DELETE ON billing_paymentmethod
BEGIN SELECT RAISE(ABORT, 'card_is_kept'); END;
CREATE TRIGGER recharge_is_kept BEFORE DELETE ON billing_rechargeattempt
BEGIN SELECT RAISE(ABORT, 'sale_is_kept'); END;
CREATE TRIGGER try_is_kept BEFORE DELETE ON billing_rechargetry
BEGIN SELECT RAISE(ABORT, 'sale_is_kept'); END;
CREATE TRIGGER transfer_is_kept BEFORE DELETE ON billing_transferannouncement
BEGIN SELECT RAISE(ABORT, 'sale_is_kept'); END;
CREATE TRIGGER refund_is_kept BEFORE DELETE ON billing_refund
BEGIN SELECT RAISE(ABORT, 'sale_is_kept'); END;
CREATE TRIGGER dispute_is_kept BEFORE DELETE ON billing_dispute
BEGIN SELECT RAISE(ABORT, 'sale_is_kept'); END;

-- What was taken back keeps its sale and amount; disputes may grow at Stripe.
CREATE TRIGGER refund_keeps_amount BEFORE UPDATE ON billing_refund
WHEN OLD.top_up_id IS NOT NEW.top_up_id
  OR OLD.staff_payment_id IS NOT NEW.staff_payment_id
  OR OLD.organisation_id IS NOT NEW.organisation_id
  OR OLD.currency IS NOT NEW.currency
  OR OLD.credit IS NOT NEW.credit OR OLD.total IS NOT NEW.total
BEGIN SELECT RAISE(ABORT, 'sale_keeps_amount'); END;
CREATE TRIGGER dispute_keeps_sale BEFORE UPDATE ON billing_dispute
WHEN OLD.top_up_id IS NOT NEW.top_up_id
  OR OLD.organisation_id IS NOT NEW.organisation_id
  OR OLD.currency IS NOT NEW.currency
BEGIN SELECT RAISE(ABORT, 'sale_keeps_mode'); END;

-- Nothing is sold to an organisation that was closed (rule 1.8); what was sold before is
-- delivered.
CREATE TRIGGER staff_payment_of_open_organisation BEFORE INSERT ON billing_staffpayment BEGIN
  SELECT RAISE(ABORT, 'organisation_closed') WHERE EXISTS (SELECT 1
    FROM accounts_organisation WHERE id = NEW.organisation_id AND closed_at IS NOT NULL);
END;
CREATE TRIGGER auto_recharge_of_open_organisation BEFORE INSERT ON billing_autorecharge BEGIN
  SELECT RAISE(ABORT, 'organisation_closed') WHERE EXISTS (SELECT 1
    FROM accounts_organisation WHERE id = NEW.organisation_id AND closed_at IS NOT NULL);
END;
CREATE TRIGGER transfer_of_open_organisation BEFORE INSERT ON billing_transferannouncement BEGIN
  SELECT RAISE(ABORT, 'organisation_closed') WHERE EXISTS (SELECT 1
    FROM accounts_organisation WHERE id = NEW.organisation_id AND closed_at IS NOT NULL);
END;
