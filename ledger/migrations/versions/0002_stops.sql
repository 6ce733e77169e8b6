-- What stands still because a person said so. Every piece of work looks here before it begins.
CREATE TABLE stops (
    what       text NOT NULL,
    reason     text NOT NULL,
    actor      text NOT NULL,
    stopped_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT stops_pkey PRIMARY KEY (what),
    CONSTRAINT stops_what_known CHECK (what IN ('letters', 'refunds', 'webhooks', 'settling'))
);
