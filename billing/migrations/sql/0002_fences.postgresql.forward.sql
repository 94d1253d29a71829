-- Refuses with the code given as the trigger's argument.
CREATE FUNCTION billing_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', TG_ARGV[0]
    USING ERRCODE = '23514', CONSTRAINT = TG_ARGV[0], TABLE = TG_TABLE_NAME;
END $$;

-- Proves the copied billing mode and the currency of a sale at its birth (rule 2.1).
-- FOR SHARE waits for a move to NCE that has not committed yet, and then sees it.
CREATE FUNCTION billing_prove_sale() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE buyer record;
BEGIN
  SELECT billing_mode, currency INTO buyer FROM accounts_organisation
    WHERE id = NEW.organisation_id FOR SHARE;
  IF NEW.billing_mode IS DISTINCT FROM buyer.billing_mode THEN
    RAISE EXCEPTION 'credits_not_for_sale' USING ERRCODE = '23514',
      CONSTRAINT = 'credits_not_for_sale', TABLE = TG_TABLE_NAME;
  END IF;
  IF NEW.currency IS DISTINCT FROM buyer.currency THEN
    RAISE EXCEPTION 'sale_in_own_currency' USING ERRCODE = '23514',
      CONSTRAINT = 'sale_in_own_currency', TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NEW;
END $$;

-- The same for many sales at once, with rule 1.8: nothing is sold to an organisation that
-- was closed. Each is probed on its own, which a plan made for one sale or for a thousand
-- does alike; a foreign key would only look again.
CREATE FUNCTION billing_prove_sales() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE code text;
BEGIN
  SELECT CASE
      WHEN buyer.billing_mode IS DISTINCT FROM sale.billing_mode THEN 'credits_not_for_sale'
      WHEN buyer.currency IS DISTINCT FROM sale.currency THEN 'sale_in_own_currency'
      ELSE 'organisation_closed' END
    INTO code
    FROM born AS sale LEFT JOIN LATERAL
      (SELECT billing_mode, currency, closed_at FROM accounts_organisation
        WHERE id = sale.organisation_id FOR SHARE) AS buyer ON TRUE
    WHERE buyer.billing_mode IS DISTINCT FROM sale.billing_mode
      OR buyer.currency IS DISTINCT FROM sale.currency OR buyer.closed_at IS NOT NULL
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION '%', code
      USING ERRCODE = '23514', CONSTRAINT = code, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER top_up_prove_sale AFTER INSERT ON billing_topup
  REFERENCING NEW TABLE AS born
  FOR EACH STATEMENT EXECUTE FUNCTION billing_prove_sales();

-- A payment that names an announced transfer is the end of a sale that began with it, so
-- it has the announcement's mode, whatever the organisation's is by now (rule 2.2). After
-- a move no more is delivered than was announced.
CREATE FUNCTION billing_prove_staff_payment() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE buyer record; announced record;
BEGIN
  SELECT billing_mode, currency INTO buyer FROM accounts_organisation
    WHERE id = NEW.organisation_id FOR SHARE;
  SELECT billing_mode, amount INTO announced FROM billing_transferannouncement
    WHERE id = NEW.announcement_id AND organisation_id = NEW.organisation_id
      AND currency = NEW.currency AND state = 'announced';
  IF NEW.amount <= announced.amount THEN
    buyer.billing_mode := announced.billing_mode;
  END IF;
  IF NEW.billing_mode IS DISTINCT FROM buyer.billing_mode THEN
    RAISE EXCEPTION 'credits_not_for_sale' USING ERRCODE = '23514',
      CONSTRAINT = 'credits_not_for_sale', TABLE = TG_TABLE_NAME;
  END IF;
  IF NEW.currency IS DISTINCT FROM buyer.currency THEN
    RAISE EXCEPTION 'sale_in_own_currency' USING ERRCODE = '23514',
      CONSTRAINT = 'sale_in_own_currency', TABLE = TG_TABLE_NAME;
  END IF;
  IF NEW.announcement_id IS NOT NULL AND announced.amount IS NULL THEN
    RAISE EXCEPTION 'payment_names_open_transfer' USING ERRCODE = '23514',
      CONSTRAINT = 'payment_names_open_transfer', TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER staff_payment_prove_sale BEFORE INSERT ON billing_staffpayment
  FOR EACH ROW EXECUTE FUNCTION billing_prove_staff_payment();

-- A sale keeps its organisation and mode; handed to NCE, it is refused as sold to it.
CREATE FUNCTION billing_keep_sale() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE code text := 'sale_keeps_mode';
BEGIN
  IF NEW.billing_mode <> 'PREPAID' OR OLD.organisation_id <> NEW.organisation_id AND EXISTS
    (SELECT 1 FROM accounts_organisation
      WHERE id = NEW.organisation_id AND billing_mode <> 'PREPAID')
  THEN code := 'credits_not_for_sale'; END IF;
  RAISE EXCEPTION '%', code
    USING ERRCODE = '23514', CONSTRAINT = code, TABLE = TG_TABLE_NAME;
END $$;
CREATE TRIGGER top_up_keeps_mode BEFORE UPDATE ON billing_topup FOR EACH ROW
  WHEN (OLD.organisation_id IS DISTINCT FROM NEW.organisation_id
     OR OLD.billing_mode IS DISTINCT FROM NEW.billing_mode)
  EXECUTE FUNCTION billing_keep_sale();
CREATE TRIGGER staff_payment_keeps_mode BEFORE UPDATE ON billing_staffpayment FOR EACH ROW
  WHEN (OLD.organisation_id IS DISTINCT FROM NEW.organisation_id
     OR OLD.billing_mode IS DISTINCT FROM NEW.billing_mode)
  EXECUTE FUNCTION billing_keep_sale();

CREATE TRIGGER top_up_keeps_amount BEFORE UPDATE ON billing_topup FOR EACH ROW
  WHEN (OLD.currency IS DISTINCT FROM NEW.currency OR OLD.credit IS DISTINCT FROM NEW.credit
     OR OLD.tax IS DISTINCT FROM NEW.tax OR OLD.total IS DISTINCT FROM NEW.total
     OR OLD.kind IS DISTINCT FROM NEW.kind)
  EXECUTE FUNCTION billing_refuse('sale_keeps_amount');
CREATE TRIGGER staff_payment_keeps_amount BEFORE UPDATE ON billing_staffpayment FOR EACH ROW
  WHEN (OLD.currency IS DISTINCT FROM NEW.currency OR OLD.amount IS DISTINCT FROM NEW.amount
     OR OLD.tax IS DISTINCT FROM NEW.tax
     OR OLD.announcement_id IS DISTINCT FROM NEW.announcement_id)
  EXECUTE FUNCTION billing_refuse('sale_keeps_amount');

CREATE TRIGGER top_up_stays_paid BEFORE UPDATE ON billing_topup FOR EACH ROW
  WHEN (OLD.state = 'paid' AND (NEW.state <> 'paid'
     OR OLD.stripe_payment_intent_id <> NEW.stripe_payment_intent_id
     OR OLD.receipt_number <> NEW.receipt_number OR OLD.paid_at IS DISTINCT FROM NEW.paid_at
     OR OLD.received IS DISTINCT FROM NEW.received))
  EXECUTE FUNCTION billing_refuse('top_up_stays_paid');

CREATE TRIGGER top_up_is_kept BEFORE DELETE ON billing_topup
  FOR EACH ROW EXECUTE FUNCTION billing_refuse('sale_is_kept');
CREATE TRIGGER top_up_not_truncated BEFORE TRUNCATE ON billing_topup
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse('sale_is_kept');
CREATE TRIGGER staff_payment_is_kept BEFORE DELETE ON billing_staffpayment
  FOR EACH ROW EXECUTE FUNCTION billing_refuse('sale_is_kept');
CREATE TRIGGER staff_payment_not_truncated BEFORE TRUNCATE ON billing_staffpayment
  FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse('sale_is_kept');

-- A lot of a sold kind has its sale: same organisation, amount and kind, paid (rule 2.1).
CREATE FUNCTION billing_lot_names_sale() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.kind = 'staff_payment' THEN
    PERFORM 1 FROM billing_staffpayment WHERE id = NEW.sale_id
      AND organisation_id = NEW.organisation_id AND currency = NEW.currency
      AND (amount - tax) * 1000000 = NEW.original;
  ELSE
    PERFORM 1 FROM billing_topup WHERE id = NEW.sale_id
      AND organisation_id = NEW.organisation_id AND currency = NEW.currency
      AND credit * 1000000 = NEW.original AND state = 'paid' AND kind = NEW.kind;
  END IF;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'lot_names_sale' USING ERRCODE = '23514',
      CONSTRAINT = 'lot_names_sale', TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER lot_names_sale BEFORE INSERT ON credits_lot FOR EACH ROW
  WHEN (NEW.kind IN ('purchase', 'recharge', 'staff_payment'))
  EXECUTE FUNCTION billing_lot_names_sale();
