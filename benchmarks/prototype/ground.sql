-- The prototype's ground: invoices with their reminders, and events that are long settled.
INSERT INTO invoice (id, total) SELECT n, 7996 FROM generate_series(1, {invoices}) AS n;
INSERT INTO reminder (invoice_id, due_at)
SELECT i.id, now() + make_interval(days => step) FROM invoice i, unnest(ARRAY[37, 44, 60]) AS step;
INSERT INTO inbox (provider, event_id, type, payload, status, processed_at)
SELECT 'stripe', 'evt_before_' || n, 'payment_intent.succeeded', '{body}'::jsonb, 1, now()
FROM generate_series(1, {settled}) AS n;
INSERT INTO payment (provider, provider_ref, invoice_id, amount, currency, inbox_id)
SELECT 'stripe', 'pi_before_' || n, 1 + n % {invoices}, 1999, 'usd', n
FROM generate_series(1, {settled}) AS n;
INSERT INTO ledger (payment_id, invoice_id, account, debit, credit)
SELECT p.id, p.invoice_id, side.account, side.debit * 1999, side.credit * 1999
FROM payment p, (VALUES ('cash', 1, 0), ('receivable', 0, 1)) AS side (account, debit, credit);
