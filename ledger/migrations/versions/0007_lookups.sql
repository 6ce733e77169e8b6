-- The name of a payment that a parked event waits to be told the meaning of.
ALTER TABLE inbox ADD COLUMN waits_for text;
CREATE INDEX inbox_parked ON inbox (gateway, account, waits_for) WHERE state = 'parked';

-- One lookup of one name is under way at most; who wants another one joins it.
ALTER TABLE outbox DROP CONSTRAINT outbox_effect_known,
                   ADD CONSTRAINT outbox_effect_known CHECK (effect IN ('letter', 'lookup'));
CREATE UNIQUE INDEX outbox_lookup_once ON outbox (subject, destination)
    WHERE effect = 'lookup' AND state IN ('waiting', 'claimed');

ALTER TABLE attention DROP CONSTRAINT attention_kind_known;
ALTER TABLE attention ADD CONSTRAINT attention_kind_known CHECK (kind IN (
    'overpaid', 'unknown_invoice', 'draft_invoice', 'void_invoice', 'other_currency',
    'other_client', 'unapplied', 'refunded', 'disputed', 'loss', 'dispute_opened',
    'fact_disagrees', 'dead_event', 'other_mode', 'other_account', 'event_differs',
    'letter_failed', 'lookup_failed'));

-- What the gateway kept for itself, and gave back of it.
ALTER TABLE facts DROP CONSTRAINT facts_move_known,
                  DROP CONSTRAINT facts_class_known,
                  ADD CONSTRAINT facts_move_known
                      CHECK (move IN ('in', 'out', 'back', 'fee', 'rebate')),
                  ADD CONSTRAINT facts_class_known
                      CHECK (class IN ('payment', 'refund', 'chargeback', 'fee'));

CREATE UNIQUE INDEX attempts_session_once ON attempts (gateway, account, session)
    WHERE session IS NOT NULL;
