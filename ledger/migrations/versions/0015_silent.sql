-- When the gateway says that a refund of ours happened, where it has no name for it: the same instant
-- again is the same notice, another one may be another refund.
ALTER TABLE refunds ADD COLUMN told_at timestamptz;

-- What a person says that a gateway did, kept as an event like what it says itself.
ALTER TABLE inbox DROP CONSTRAINT inbox_source_known,
                  ADD CONSTRAINT inbox_source_known
                      CHECK (source IN ('webhook', 'lookup', 'backfill', 'word'));

ALTER TABLE attention DROP CONSTRAINT attention_kind_known;
ALTER TABLE attention ADD CONSTRAINT attention_kind_known CHECK (kind IN (
    'overpaid', 'unknown_invoice', 'draft_invoice', 'void_invoice', 'other_currency',
    'other_client', 'unapplied', 'refunded', 'disputed', 'loss', 'dispute_opened',
    'fact_disagrees', 'dead_event', 'other_mode', 'other_account', 'event_differs',
    'letter_failed', 'lookup_failed', 'capture_failed', 'gateway_silent', 'refund_untold',
    'refund_failed', 'attempt_silent'));
