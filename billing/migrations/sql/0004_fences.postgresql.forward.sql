-- The mode and currency of what sells credit by itself or is announced (rule 2.1).
CREATE TRIGGER auto_recharge_prove_sale BEFORE INSERT ON billing_autorecharge
  FOR EACH ROW EXECUTE FUNCTION billing_prove_sale();
CREATE TRIGGER recharge_prove_sale AFTER INSERT ON billing_rechargeattempt
  REFERENCING NEW TABLE AS born
  FOR EACH STATEMENT EXECUTE FUNCTION billing_prove_sales();
CREATE TRIGGER transfer_prove_sale BEFORE INSERT ON billing_transferannouncement
  FOR EACH ROW EXECUTE FUNCTION billing_prove_sale();

-- Settings are changed while they are on, so their owner is proven at each UPDATE:
-- an organisation that moved to NCE cannot go on with a row that was left behind.
CREATE FUNCTION billing_keep_auto_recharge() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE mode text;
BEGIN
  SELECT billing_mode INTO mode FROM accounts_organisation
    WHERE id = NEW.organisation_id FOR SHARE;
  IF mode <> 'PREPAID' OR NEW.billing_mode <> 'PREPAID' THEN
    RAISE EXCEPTION 'credits_not_for_sale' USING ERRCODE = '23514',
      CONSTRAINT = 'credits_not_for_sale', TABLE = TG_TABLE_NAME;
  END IF;
  IF OLD.organisation_id <> NEW.organisation_id OR OLD.currency <> NEW.currency THEN
    RAISE EXCEPTION 'sale_keeps_mode' USING ERRCODE = '23514',
      CONSTRAINT = 'sale_keeps_mode', TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER auto_recharge_keeps_mode BEFORE UPDATE ON billing_autorecharge
  FOR EACH ROW EXECUTE FUNCTION billing_keep_auto_recharge();
CREATE TRIGGER recharge_keeps_mode BEFORE UPDATE ON billing_rechargeattempt FOR EACH ROW
  WHEN (OLD.organisation_id IS DISTINCT FROM NEW.organisation_id
     OR OLD.billing_mode IS DISTINCT FROM NEW.billing_mode)
  EXECUTE FUNCTION billing_keep_sale();
CREATE TRIGGER transfer_keeps_mode BEFORE UPDATE ON billing_transferannouncement
  FOR EACH ROW
  WHEN (OLD.organisation_id IS DISTINCT FROM NEW.organisation_id
     OR OLD.billing_mode IS DISTINCT FROM NEW.billing_mode)
  EXECUTE FUNCTION billing_keep_sale();
CREATE TRIGGER transfer_keeps_amount BEFORE UPDATE ON billing_transferannouncement
  FOR EACH ROW
  WHEN (OLD.currency IS DISTINCT FROM NEW.currency OR OLD.amount IS DISTINCT FROM NEW.amount
     OR OLD.reference IS DISTINCT FROM NEW.reference)
  EXECUTE FUNCTION billing_refuse('sale_keeps_amount');

-- A transfer has arrived exactly when a payment names it.
CREATE FUNCTION billing_transfer_has_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.state = 'matched') <>
    EXISTS (SELECT 1 FROM billing_staffpayment WHERE announcement_id = NEW.id)
  THEN
    RAISE EXCEPTION 'transfer_matched_names_payment' USING ERRCODE = '23514',
      CONSTRAINT = 'transfer_matched_names_payment', TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER transfer_matched_names_payment BEFORE UPDATE ON billing_transferannouncement
  FOR EACH ROW EXECUTE FUNCTION billing_transfer_has_payment();
CREATE TRIGGER transfer_is_born_open BEFORE INSERT ON billing_transferannouncement
  FOR EACH ROW EXECUTE FUNCTION billing_transfer_has_payment();

-- A recharge owns one top-up, of its own organisation and of that kind, for good, and
-- names its organisation's consent. OFFSET 0 keeps the probes probes.
CREATE FUNCTION billing_recharge_owns_top_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM born AS one WHERE NOT EXISTS
      (SELECT 1 FROM billing_topup WHERE id = one.top_up_id
        AND organisation_id = one.organisation_id AND kind = 'recharge' OFFSET 0)
    OR NOT EXISTS
      (SELECT 1 FROM billing_consent WHERE id = one.consent_id
        AND organisation_id = one.organisation_id OFFSET 0);
  IF FOUND THEN
    RAISE EXCEPTION 'recharge_owns_top_up' USING ERRCODE = '23514',
      CONSTRAINT = 'recharge_owns_top_up', TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER recharge_owns_top_up AFTER INSERT ON billing_rechargeattempt
  REFERENCING NEW TABLE AS born
  FOR EACH STATEMENT EXECUTE FUNCTION billing_recharge_owns_top_up();
CREATE TRIGGER recharge_keeps_top_up BEFORE UPDATE ON billing_rechargeattempt FOR EACH ROW
  WHEN (OLD.top_up_id IS DISTINCT FROM NEW.top_up_id
     OR OLD.consent_id IS DISTINCT FROM NEW.consent_id
     OR OLD.started_at IS DISTINCT FROM NEW.started_at)
  EXECUTE FUNCTION billing_refuse('recharge_keeps_top_up');

-- A try charges a card of the organisation that is recharged.
CREATE FUNCTION billing_try_names_own_card() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM born AS one WHERE NOT EXISTS
    (SELECT 1 FROM billing_rechargeattempt AS attempt
      JOIN billing_paymentmethod AS card ON card.organisation_id = attempt.organisation_id
      WHERE attempt.id = one.attempt_id AND card.id = one.payment_method_id OFFSET 0);
  IF FOUND THEN
    RAISE EXCEPTION 'try_names_own_card' USING ERRCODE = '23514',
      CONSTRAINT = 'try_names_own_card', TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER try_names_own_card AFTER INSERT ON billing_rechargetry
  REFERENCING NEW TABLE AS born
  FOR EACH STATEMENT EXECUTE FUNCTION billing_try_names_own_card();

-- A payment key is what stands between a resend and a second charge (rule 5.3).
CREATE TRIGGER try_keeps_key BEFORE UPDATE ON billing_rechargetry FOR EACH ROW
  WHEN (OLD.attempt_id IS DISTINCT FROM NEW.attempt_id
     OR OLD.number IS DISTINCT FROM NEW.number
     OR OLD.stripe_key IS DISTINCT FROM NEW.stripe_key
     OR OLD.payment_method_id IS DISTINCT FROM NEW.payment_method_id
     OR OLD.first_sent_at IS NOT NULL
        AND OLD.first_sent_at IS DISTINCT FROM NEW.first_sent_at)
  EXECUTE FUNCTION billing_refuse('try_keeps_key');

-- Consent is evidence: written once.
CREATE TRIGGER consent_never_changes BEFORE UPDATE ON billing_consent
  FOR EACH ROW EXECUTE FUNCTION billing_refuse('consent_is_kept');

CREATE TRIGGER consent_is_kept BEFORE DELETE ON billing_consent
  FOR EACH ROW EXECUTE FUNCTION billing_refuse('consent_is_kept');
CREATE TRIGGER card_is_kept BEFORE DELETE ON billing_paymentmethod
  FOR EACH ROW EXECUTE FUNCTION billing_refuse('card_is_kept');
CREATE TRIGGER recharge_is_kept BEFORE DELETE ON billing_rechargeattempt
  FOR EACH ROW EXECUTE FUNCTION billing_refuse('sale_is_kept');
CREATE TRIGGER try_is_kept BEFORE DELETE ON billing_rechargetry
  FOR EACH ROW EXECUTE FUNCTION billing_refuse('sale_is_kept');
CREATE TRIGGER transfer_is_kept BEFORE DELETE ON billing_transferannouncement
  FOR EACH ROW EXECUTE FUNCTION billing_refuse('sale_is_kept');
CREATE TRIGGER refund_is_kept BEFORE DELETE ON billing_refund
  FOR EACH ROW EXECUTE FUNCTION billing_refuse('sale_is_kept');
CREATE TRIGGER dispute_is_kept BEFORE DELETE ON billing_dispute
  FOR EACH ROW EXECUTE FUNCTION billing_refuse('sale_is_kept');

-- What was taken back keeps its sale and amount; disputes may grow at Stripe.
CREATE TRIGGER refund_keeps_amount BEFORE UPDATE ON billing_refund FOR EACH ROW
  WHEN (OLD.top_up_id IS DISTINCT FROM NEW.top_up_id
     OR OLD.staff_payment_id IS DISTINCT FROM NEW.staff_payment_id
     OR OLD.organisation_id IS DISTINCT FROM NEW.organisation_id
     OR OLD.currency IS DISTINCT FROM NEW.currency
     OR OLD.credit IS DISTINCT FROM NEW.credit OR OLD.total IS DISTINCT FROM NEW.total)
  EXECUTE FUNCTION billing_refuse('sale_keeps_amount');
CREATE TRIGGER dispute_keeps_sale BEFORE UPDATE ON billing_dispute FOR EACH ROW
  WHEN (OLD.top_up_id IS DISTINCT FROM NEW.top_up_id
     OR OLD.organisation_id IS DISTINCT FROM NEW.organisation_id
     OR OLD.currency IS DISTINCT FROM NEW.currency)
  EXECUTE FUNCTION billing_refuse('sale_keeps_mode');

-- Nothing is sold to an organisation that was closed (rule 1.8); what was sold before is
-- delivered. FOR SHARE waits for a closing that is under way.
CREATE FUNCTION billing_refuse_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM accounts_organisation
    WHERE id = NEW.organisation_id AND closed_at IS NULL FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'organisation_closed' USING ERRCODE = '23514',
      CONSTRAINT = 'organisation_closed', TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER staff_payment_of_open_organisation BEFORE INSERT ON billing_staffpayment
  FOR EACH ROW EXECUTE FUNCTION billing_refuse_closed();
CREATE TRIGGER auto_recharge_of_open_organisation BEFORE INSERT ON billing_autorecharge
  FOR EACH ROW EXECUTE FUNCTION billing_refuse_closed();
CREATE TRIGGER transfer_of_open_organisation BEFORE INSERT ON billing_transferannouncement
  FOR EACH ROW EXECUTE FUNCTION billing_refuse_closed();
