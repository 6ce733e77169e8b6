-- A gateway of which nothing comes by itself any more, though it has something to tell.
ALTER TABLE attention DROP CONSTRAINT attention_kind_known;
ALTER TABLE attention ADD CONSTRAINT attention_kind_known CHECK (kind IN (
    'overpaid', 'unknown_invoice', 'draft_invoice', 'void_invoice', 'other_currency',
    'other_client', 'unapplied', 'refunded', 'disputed', 'loss', 'dispute_opened',
    'fact_disagrees', 'dead_event', 'other_mode', 'other_account', 'event_differs',
    'letter_failed', 'lookup_failed', 'capture_failed', 'gateway_silent'));

-- How many attempts a link has begun within the last hour is asked at every click.
CREATE INDEX attempts_by_link ON attempts (link_id, created_at) WHERE link_id IS NOT NULL;
