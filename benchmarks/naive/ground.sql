-- The naive baseline's ground: invoices with their reminders, and events that are long settled.
INSERT INTO invoices (number, state, total_minor, paid_minor)
SELECT 'INV-' || lpad(n::text, greatest(4, length(n::text)), '0'), 'sent', 12100, 0
FROM generate_series(1, {invoices}) AS n;
INSERT INTO reminders (invoice_id, due_at, state)
SELECT i.id, now() + make_interval(days => step), 'planned'
FROM invoices i, unnest(ARRAY[37, 44, 60]) AS step;
INSERT INTO events (event_id, kind, payload, state, settled_at)
SELECT 'evt_before_' || n, 'payment_intent.succeeded', '{body}'::jsonb, 'done', now()
FROM generate_series(1, {settled}) AS n;
INSERT INTO payments (reference, event_id, invoice_id, currency, amount_minor)
SELECT 'pi_before_' || n, n, 1 + n % {invoices}, 'ron', 3025 FROM generate_series(1, {settled}) AS n;
INSERT INTO entries (payment_id, invoice_id, account, debit_minor, credit_minor)
SELECT p.id, p.invoice_id, side.account, side.debit * 3025, side.credit * 3025
FROM payments p, (VALUES ('cash', 1, 0), ('receivable', 0, 1)) AS side (account, debit, credit);
