-- A refund that its gateway tells of, and not its amount: a person looks there.
ALTER TABLE attention DROP CONSTRAINT attention_kind_known;
ALTER TABLE attention ADD CONSTRAINT attention_kind_known CHECK (kind IN (
    'overpaid', 'unknown_invoice', 'draft_invoice', 'void_invoice', 'other_currency',
    'other_client', 'unapplied', 'refunded', 'disputed', 'loss', 'dispute_opened',
    'fact_disagrees', 'dead_event', 'other_mode', 'other_account', 'event_differs',
    'letter_failed', 'lookup_failed', 'capture_failed', 'gateway_silent', 'refund_untold'));
