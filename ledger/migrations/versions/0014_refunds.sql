-- Money that we give back, by a person's word: reserved on its payment until the gateway's fact, its
-- refusal, or a person ends it. `item` is the gateway's name for the refund, once it has one;
-- `asked_as` the key under which its actor asked for it.
CREATE TABLE refunds (
    id           bigint GENERATED ALWAYS AS IDENTITY,
    payment_id   bigint NOT NULL,
    currency     char(3) NOT NULL,
    amount_minor bigint NOT NULL,
    state        text NOT NULL DEFAULT 'open',
    item         text,
    actor        text NOT NULL,
    asked_as     text,
    reason       text NOT NULL,
    detail       text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    closed_at    timestamptz,
    CONSTRAINT refunds_pkey PRIMARY KEY (id),
    CONSTRAINT refunds_item_once UNIQUE (payment_id, item),
    CONSTRAINT refunds_payment_fkey FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT refunds_amount_positive CHECK (amount_minor > 0),
    CONSTRAINT refunds_state_known
        CHECK (state IN ('open', 'sent', 'unknown', 'done', 'failed')),
    CONSTRAINT refunds_closed_with_a_moment
        CHECK ((state IN ('done', 'failed')) = (closed_at IS NOT NULL))
);

ALTER TABLE payments ADD COLUMN reserved_minor bigint NOT NULL DEFAULT 0,
                     ADD CONSTRAINT payments_reserved_never_below_zero CHECK (reserved_minor >= 0);

ALTER TABLE outbox DROP CONSTRAINT outbox_effect_known,
                   ADD CONSTRAINT outbox_effect_known
                       CHECK (effect IN ('letter', 'lookup', 'expire', 'capture', 'refund'));

ALTER TABLE attention DROP CONSTRAINT attention_kind_known;
ALTER TABLE attention ADD CONSTRAINT attention_kind_known CHECK (kind IN (
    'overpaid', 'unknown_invoice', 'draft_invoice', 'void_invoice', 'other_currency',
    'other_client', 'unapplied', 'refunded', 'disputed', 'loss', 'dispute_opened',
    'fact_disagrees', 'dead_event', 'other_mode', 'other_account', 'event_differs',
    'letter_failed', 'lookup_failed', 'capture_failed', 'gateway_silent', 'refund_untold',
    'refund_failed'));
