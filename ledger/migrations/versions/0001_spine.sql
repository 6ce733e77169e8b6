-- What arrives from outside, once. The row is the truth; the message about it is a nudge.
CREATE TABLE inbox (
    id          bigint GENERATED ALWAYS AS IDENTITY,
    gateway     text NOT NULL,
    account     text NOT NULL,
    event_id    text NOT NULL,
    binding     text,
    source      text NOT NULL,
    kind        text NOT NULL,
    raw         bytea NOT NULL,
    headers     jsonb NOT NULL,
    sha256      bytea NOT NULL,
    state       text NOT NULL DEFAULT 'received',
    reason      text,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    settled_at  timestamptz,
    CONSTRAINT inbox_pkey PRIMARY KEY (id),
    CONSTRAINT inbox_event_once UNIQUE (gateway, account, event_id),
    CONSTRAINT inbox_binding_once UNIQUE (gateway, binding),
    CONSTRAINT inbox_event_id_length CHECK (length(event_id) BETWEEN 1 AND 255),
    CONSTRAINT inbox_raw_length CHECK (length(raw) <= 262144),
    CONSTRAINT inbox_source_known CHECK (source IN ('webhook', 'lookup', 'backfill')),
    CONSTRAINT inbox_state_known
        CHECK (state IN ('received', 'parked', 'done', 'ignored', 'dead'))
);
CREATE INDEX inbox_waiting ON inbox (id) WHERE state = 'received';
CREATE INDEX inbox_troubled ON inbox (state, id) WHERE state IN ('parked', 'dead');

-- A try is written before the work, on a connection of its own; only one that ended well is gone.
CREATE TABLE tries (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    inbox_ids  bigint[] NOT NULL,
    is_alone   boolean NOT NULL,
    reason     text,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT tries_pkey PRIMARY KEY (id),
    CONSTRAINT tries_alone_is_one CHECK (NOT is_alone OR cardinality(inbox_ids) = 1)
);

-- The identity of the money's owner at each gateway, fixed at the first start.
CREATE TABLE accounts (
    gateway text NOT NULL,
    account text NOT NULL,
    CONSTRAINT accounts_pkey PRIMARY KEY (gateway)
);

CREATE TABLE seller (
    id            smallint NOT NULL DEFAULT 1,
    name          text NOT NULL,
    tax_id        text NOT NULL,
    street        text NOT NULL,
    city          text NOT NULL,
    country       char(2) NOT NULL,
    ibans         text[] NOT NULL DEFAULT '{}',
    language      text NOT NULL,
    series        text NOT NULL,
    next_number   bigint NOT NULL DEFAULT 1,
    CONSTRAINT seller_pkey PRIMARY KEY (id),
    CONSTRAINT seller_is_one CHECK (id = 1)
);

CREATE TABLE clients (
    id              bigint GENERATED ALWAYS AS IDENTITY,
    name            text NOT NULL,
    number          text,
    external_id     text,
    email           text,
    tax_id          text,
    is_company      boolean NOT NULL DEFAULT true,
    currency        char(3) NOT NULL DEFAULT 'RON',
    country         char(2) NOT NULL DEFAULT 'RO',
    street          text,
    city            text,
    county          text,
    postal_code     text,
    language        text NOT NULL DEFAULT 'ro',
    timezone        text,
    ibans           text[] NOT NULL DEFAULT '{}',
    terms_days      integer NOT NULL DEFAULT 30,
    reminder_policy text NOT NULL DEFAULT 'standard',
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT clients_pkey PRIMARY KEY (id),
    CONSTRAINT clients_number_once UNIQUE (number),
    CONSTRAINT clients_external_id_once UNIQUE (external_id),
    CONSTRAINT clients_terms_positive CHECK (terms_days BETWEEN 0 AND 365),
    CONSTRAINT clients_reminder_policy_known CHECK (reminder_policy IN ('standard', 'none'))
);

CREATE TABLE invoices (
    id                   bigint GENERATED ALWAYS AS IDENTITY,
    client_id            bigint NOT NULL,
    number               text,
    external_id          text,
    state                text NOT NULL DEFAULT 'draft',
    currency             char(3) NOT NULL,
    issue_on             date,
    due_on               date,
    total_minor          bigint NOT NULL,
    paid_minor           bigint NOT NULL DEFAULT 0,
    credited_minor       bigint NOT NULL DEFAULT 0,
    written_off_minor    bigint NOT NULL DEFAULT 0,
    settled_before_minor bigint NOT NULL DEFAULT 0,
    reminder_cycle       integer NOT NULL DEFAULT 0,
    created_at           timestamptz NOT NULL DEFAULT now(),
    updated_at           timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT invoices_pkey PRIMARY KEY (id),
    CONSTRAINT invoices_client_fkey FOREIGN KEY (client_id) REFERENCES clients (id),
    CONSTRAINT invoices_number_once UNIQUE (number),
    CONSTRAINT invoices_external_id_once UNIQUE (external_id),
    CONSTRAINT invoices_state_known CHECK (state IN ('draft', 'issued', 'void')),
    CONSTRAINT invoices_issued_is_complete
        CHECK (state = 'draft' OR (number IS NOT NULL AND issue_on IS NOT NULL AND due_on IS NOT NULL)),
    CONSTRAINT invoices_dates_sane CHECK (issue_on <= due_on AND due_on < '2200-01-01'),
    CONSTRAINT invoices_total_positive CHECK (total_minor > 0),
    CONSTRAINT invoices_parts_not_negative
        CHECK (least(paid_minor, credited_minor, written_off_minor, settled_before_minor) >= 0),
    CONSTRAINT invoices_never_overapplied CHECK (
        paid_minor + credited_minor + written_off_minor + settled_before_minor
        <= CASE state WHEN 'issued' THEN total_minor ELSE 0 END)
);
CREATE INDEX invoices_by_client ON invoices (client_id);
CREATE INDEX invoices_open ON invoices (due_on)
    WHERE state = 'issued'
      AND paid_minor + credited_minor + written_off_minor + settled_before_minor < total_minor;

CREATE TABLE invoice_lines (
    invoice_id     bigint NOT NULL,
    position       integer NOT NULL,
    description    text NOT NULL,
    quantity       numeric(18, 6) NOT NULL,
    unit           text NOT NULL,
    unit_price     numeric(20, 6) NOT NULL,
    discount_minor bigint NOT NULL DEFAULT 0,
    vat_rate       numeric(5, 2) NOT NULL,
    vat_category   text NOT NULL,
    vat_reason     text,
    net_minor      bigint NOT NULL,
    CONSTRAINT invoice_lines_pkey PRIMARY KEY (invoice_id, position),
    CONSTRAINT invoice_lines_invoice_fkey
        FOREIGN KEY (invoice_id) REFERENCES invoices (id) ON DELETE CASCADE
);

-- One row per payment: money that arrived. `amount_minor` is what was received, `unapplied_minor`
-- the balance of its account, `unidentified_minor` what waits there for a client to be known.
CREATE TABLE payments (
    id                 bigint GENERATED ALWAYS AS IDENTITY,
    state              text NOT NULL,
    gateway            text,
    account            text,
    gateway_reference  text,
    client_id          bigint,
    currency           char(3) NOT NULL,
    amount_minor       bigint NOT NULL DEFAULT 0,
    unapplied_minor    bigint NOT NULL DEFAULT 0,
    unidentified_minor bigint NOT NULL DEFAULT 0,
    method             text NOT NULL,
    paid_on            date NOT NULL,
    reference          text,
    notes              text,
    is_reconciled      boolean NOT NULL DEFAULT false,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT payments_pkey PRIMARY KEY (id),
    CONSTRAINT payments_gateway_once UNIQUE (gateway, account, gateway_reference),
    CONSTRAINT payments_client_fkey FOREIGN KEY (client_id) REFERENCES clients (id),
    CONSTRAINT payments_state_known CHECK (state IN ('draft', 'posted', 'rejected', 'cancelled')),
    CONSTRAINT payments_gateway_is_posted CHECK (gateway IS NULL OR state = 'posted'),
    CONSTRAINT payments_gateway_is_whole CHECK (
        num_nulls(gateway, account, gateway_reference) IN (0, 3)),
    CONSTRAINT payments_never_below_zero
        CHECK (least(amount_minor, unapplied_minor, unidentified_minor) >= 0)
);
CREATE INDEX payments_by_client ON payments (client_id);
CREATE INDEX payments_unapplied ON payments (client_id)
    WHERE unapplied_minor > 0 OR unidentified_minor > 0;

-- Every name that means exactly one payment, resolved to the gateway's main name for it. The row
-- of the main name itself is what all who settle that payment lock.
CREATE TABLE payment_names (
    gateway   text NOT NULL,
    account   text NOT NULL,
    name      text NOT NULL,
    reference text NOT NULL,
    CONSTRAINT payment_names_pkey PRIMARY KEY (gateway, account, name)
);

CREATE TABLE facts (
    id           bigint GENERATED ALWAYS AS IDENTITY,
    gateway      text NOT NULL,
    account      text NOT NULL,
    reference    text NOT NULL,
    move         text NOT NULL,
    item         text NOT NULL,
    status       text NOT NULL,
    class        text NOT NULL,
    currency     char(3) NOT NULL,
    amount_minor bigint NOT NULL,
    trust        smallint NOT NULL,
    meant_for    text[] NOT NULL,
    happened_at  timestamptz NOT NULL,
    inbox_id     bigint NOT NULL,
    CONSTRAINT facts_pkey PRIMARY KEY (id),
    CONSTRAINT facts_once UNIQUE (gateway, account, reference, move, item),
    CONSTRAINT facts_move_known CHECK (move IN ('in', 'out', 'back')),
    CONSTRAINT facts_status_known CHECK (status IN ('pending', 'failed', 'succeeded')),
    CONSTRAINT facts_class_known CHECK (class IN ('payment', 'refund', 'chargeback')),
    CONSTRAINT facts_amount_positive CHECK (amount_minor > 0)
);

-- What money is meant for: applied in position order, what is left over stays with the payment.
CREATE TABLE intents (
    payment_id   bigint NOT NULL,
    position     integer NOT NULL,
    invoice_id   bigint NOT NULL,
    amount_minor bigint,
    CONSTRAINT intents_pkey PRIMARY KEY (payment_id, position),
    CONSTRAINT intents_payment_fkey FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT intents_invoice_fkey FOREIGN KEY (invoice_id) REFERENCES invoices (id),
    CONSTRAINT intents_amount_positive CHECK (amount_minor > 0)
);
CREATE INDEX intents_by_invoice ON intents (invoice_id);

-- One try of a customer to pay through a gateway; pending and failed payments live here.
CREATE TABLE attempts (
    id           bigint GENERATED ALWAYS AS IDENTITY,
    invoice_id   bigint NOT NULL,
    gateway      text NOT NULL,
    account      text NOT NULL,
    order_id     text NOT NULL,
    currency     char(3) NOT NULL,
    amount_minor bigint NOT NULL,
    quote        jsonb,
    secret       text,
    session      text,
    state        text NOT NULL DEFAULT 'open',
    expires_at   timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT attempts_pkey PRIMARY KEY (id),
    CONSTRAINT attempts_order_once UNIQUE (gateway, account, order_id),
    CONSTRAINT attempts_invoice_fkey FOREIGN KEY (invoice_id) REFERENCES invoices (id),
    CONSTRAINT attempts_amount_positive CHECK (amount_minor > 0),
    CONSTRAINT attempts_state_known
        CHECK (state IN ('open', 'pending', 'failed', 'succeeded', 'expired', 'cancelled'))
);
CREATE INDEX attempts_by_invoice ON attempts (invoice_id);

-- One act: a batch settled by a worker, or one thing a person did. No personal data.
CREATE TABLE journal (
    id          bigint GENERATED ALWAYS AS IDENTITY,
    actor       text NOT NULL,
    act         text NOT NULL,
    reason      text,
    before      jsonb,
    after       jsonb,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT journal_pkey PRIMARY KEY (id)
);

-- Every movement of money: an amount from one account to another. No foreign keys on purpose:
-- the audit checks them, the hot path does not pay for them.
CREATE TABLE postings (
    id           bigint GENERATED ALWAYS AS IDENTITY,
    act_id       bigint NOT NULL,
    kind         text NOT NULL,
    source       text NOT NULL,
    destination  text NOT NULL,
    currency     char(3) NOT NULL,
    amount_minor bigint NOT NULL,
    payment_id   bigint,
    invoice_id   bigint,
    client_id    bigint,
    fact_id      bigint,
    reverses     bigint,
    effective_on date NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT postings_pkey PRIMARY KEY (id),
    CONSTRAINT postings_amount_positive CHECK (amount_minor > 0),
    CONSTRAINT postings_move_between_two CHECK (source <> destination),
    CONSTRAINT postings_kind_known CHECK (kind IN (
        'issue', 'void', 'receive', 'assign', 'allocate', 'refund', 'chargeback', 'loss',
        'credit_note', 'write_off', 'convert', 'fee', 'payout', 'opening')),
    CONSTRAINT postings_payment_named CHECK (
        payment_id IS NOT NULL OR (source NOT IN ('payment', 'unidentified')
                                   AND destination NOT IN ('payment', 'unidentified'))),
    CONSTRAINT postings_invoice_named CHECK (
        invoice_id IS NOT NULL OR (source <> 'invoice' AND destination <> 'invoice')),
    CONSTRAINT postings_account_known CHECK (
        (source IN ('payment', 'unidentified', 'invoice') OR source LIKE 'outside:%')
        AND (destination IN ('payment', 'unidentified', 'invoice')
             OR destination LIKE 'outside:%'))
);
CREATE INDEX postings_by_payment ON postings (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX postings_by_invoice ON postings (invoice_id) WHERE invoice_id IS NOT NULL;
CREATE UNIQUE INDEX postings_reverses_once ON postings (reverses, act_id) WHERE reverses IS NOT NULL;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: correct it with an opposite row', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER postings_append_only BEFORE UPDATE OR DELETE ON postings
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER postings_never_truncated BEFORE TRUNCATE ON postings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE ON journal
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_never_truncated BEFORE TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE reminders (
    id           bigint GENERATED ALWAYS AS IDENTITY,
    invoice_id   bigint NOT NULL,
    step_days    smallint NOT NULL,
    cycle        integer NOT NULL,
    due_at       timestamptz NOT NULL,
    state        text NOT NULL DEFAULT 'planned',
    reason       text,
    closed_at    timestamptz,
    CONSTRAINT reminders_pkey PRIMARY KEY (id),
    CONSTRAINT reminders_once UNIQUE (invoice_id, step_days, cycle),
    CONSTRAINT reminders_invoice_fkey FOREIGN KEY (invoice_id) REFERENCES invoices (id),
    CONSTRAINT reminders_step_known CHECK (step_days IN (7, 14, 30)),
    CONSTRAINT reminders_state_known
        CHECK (state IN ('planned', 'written', 'cancelled', 'skipped'))
);
CREATE INDEX reminders_due ON reminders (due_at) WHERE state = 'planned';
CREATE INDEX reminders_planned_by_invoice ON reminders (invoice_id) WHERE state = 'planned';

-- What must happen outside. A claim is a committed lease; the fence tells a late hand from the
-- one that holds the lease now.
CREATE TABLE outbox (
    id          bigint GENERATED ALWAYS AS IDENTITY,
    subject     text NOT NULL,
    effect      text NOT NULL,
    destination text NOT NULL,
    key         text NOT NULL,
    body        jsonb NOT NULL,
    state       text NOT NULL DEFAULT 'waiting',
    due_at      timestamptz NOT NULL,
    lease_until timestamptz,
    fence       bigint NOT NULL DEFAULT 0,
    attempts    integer NOT NULL DEFAULT 0,
    reason      text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    closed_at   timestamptz,
    CONSTRAINT outbox_pkey PRIMARY KEY (id),
    CONSTRAINT outbox_key_once UNIQUE (key),
    CONSTRAINT outbox_effect_known CHECK (effect IN ('letter')),
    CONSTRAINT outbox_state_known
        CHECK (state IN ('waiting', 'claimed', 'done', 'unknown', 'failed', 'cancelled'))
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE state IN ('waiting', 'claimed');
CREATE INDEX outbox_by_subject ON outbox (subject, effect, destination, id);

-- Everything that needs a person, once per kind and subject while it is open.
CREATE TABLE attention (
    id           bigint GENERATED ALWAYS AS IDENTITY,
    kind         text NOT NULL,
    subject      text NOT NULL,
    currency     char(3),
    amount_minor bigint,
    detail       text,
    opened_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    due_by       timestamptz,
    resolved_at  timestamptz,
    resolver     text,
    how          text,
    CONSTRAINT attention_pkey PRIMARY KEY (id),
    CONSTRAINT attention_kind_known CHECK (kind IN (
        'overpaid', 'unknown_invoice', 'draft_invoice', 'void_invoice', 'other_currency',
        'fact_disagrees', 'dead_event', 'other_mode', 'other_account', 'event_differs',
        'letter_failed'))
);
CREATE UNIQUE INDEX attention_open_once ON attention (kind, subject) WHERE resolved_at IS NULL;

CREATE TABLE api_tokens (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    name       text NOT NULL,
    sha256     bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    CONSTRAINT api_tokens_pkey PRIMARY KEY (id),
    CONSTRAINT api_tokens_sha256_once UNIQUE (sha256)
);

-- Hot tables are vacuumed and analyzed long before a fifth of them is dead.
ALTER TABLE inbox SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE tries SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
ALTER TABLE facts SET (autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE payments SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE postings SET (autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE invoices SET (autovacuum_vacuum_scale_factor = 0.05, fillfactor = 85);
