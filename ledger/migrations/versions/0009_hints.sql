-- A hint proves nothing of what it says: it waits for an answer of its gateway's, whatever names are
-- known; and which answer that was, once there is one.
ALTER TABLE inbox ADD COLUMN is_hint boolean NOT NULL DEFAULT false,
                  ADD COLUMN answered_by bigint;
CREATE INDEX inbox_answered ON inbox (answered_by) WHERE state = 'parked';

-- One lookup of one name, and one capture of one order, is under way at most; who wants another one
-- joins it.
ALTER TABLE outbox DROP CONSTRAINT outbox_effect_known,
                   ADD CONSTRAINT outbox_effect_known
                       CHECK (effect IN ('letter', 'lookup', 'capture'));
DROP INDEX outbox_lookup_once;
CREATE UNIQUE INDEX outbox_under_way_once ON outbox (effect, subject, destination)
    WHERE effect IN ('lookup', 'capture') AND state IN ('waiting', 'claimed');

ALTER TABLE attention DROP CONSTRAINT attention_kind_known;
ALTER TABLE attention ADD CONSTRAINT attention_kind_known CHECK (kind IN (
    'overpaid', 'unknown_invoice', 'draft_invoice', 'void_invoice', 'other_currency',
    'other_client', 'unapplied', 'refunded', 'disputed', 'loss', 'dispute_opened',
    'fact_disagrees', 'dead_event', 'other_mode', 'other_account', 'event_differs',
    'letter_failed', 'lookup_failed', 'capture_failed'));
