-- Rows that settling writes are not checked against the rows they name: the audit does that.
ALTER TABLE payments DROP CONSTRAINT payments_client_fkey;
ALTER TABLE intents DROP CONSTRAINT intents_payment_fkey;
ALTER TABLE intents DROP CONSTRAINT intents_invoice_fkey;
