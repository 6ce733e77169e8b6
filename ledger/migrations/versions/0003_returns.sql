-- What went back and stayed there, and what of it went back beyond what had come.
ALTER TABLE payments ADD COLUMN returned_minor bigint NOT NULL DEFAULT 0,
                     ADD COLUMN lost_minor bigint NOT NULL DEFAULT 0,
                     ADD CONSTRAINT payments_returns_not_negative
                         CHECK (least(returned_minor, lost_minor) >= 0);

ALTER TABLE attention DROP CONSTRAINT attention_kind_known;
ALTER TABLE attention ADD CONSTRAINT attention_kind_known CHECK (kind IN (
    'overpaid', 'unknown_invoice', 'draft_invoice', 'void_invoice', 'other_currency',
    'refunded', 'disputed', 'loss', 'dispute_opened', 'fact_disagrees', 'dead_event', 'other_mode',
    'other_account', 'event_differs', 'letter_failed'));

-- A person's word that an invoice is owed again, for exactly what had gone back by then.
CREATE TABLE hold_words (
    invoice_id     bigint NOT NULL,
    payment_id     bigint NOT NULL,
    returned_minor bigint NOT NULL,
    actor          text NOT NULL,
    reason         text NOT NULL,
    said_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT hold_words_pkey PRIMARY KEY (invoice_id, payment_id),
    CONSTRAINT hold_words_invoice_fkey FOREIGN KEY (invoice_id) REFERENCES invoices (id),
    CONSTRAINT hold_words_payment_fkey FOREIGN KEY (payment_id) REFERENCES payments (id)
);
