-- Where a customer pays. No invoice: all that the client owes. Of a token only its hash is kept;
-- revoking raises the version, and the tokens of older ones still find out that they are revoked.
CREATE TABLE pay_links (
    id          bigint GENERATED ALWAYS AS IDENTITY,
    client_id   bigint NOT NULL,
    invoice_id  bigint,
    version     integer NOT NULL DEFAULT 1,
    takes_parts boolean NOT NULL DEFAULT false,
    expires_at  timestamptz,
    revoked_at  timestamptz,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pay_links_pkey PRIMARY KEY (id),
    CONSTRAINT pay_links_once UNIQUE NULLS NOT DISTINCT (client_id, invoice_id),
    CONSTRAINT pay_links_client_fkey FOREIGN KEY (client_id) REFERENCES clients (id),
    CONSTRAINT pay_links_invoice_fkey
        FOREIGN KEY (invoice_id) REFERENCES invoices (id)
);

CREATE TABLE pay_tokens (
    sha256  bytea NOT NULL,
    link_id bigint NOT NULL,
    version integer NOT NULL,
    CONSTRAINT pay_tokens_pkey PRIMARY KEY (sha256),
    CONSTRAINT pay_tokens_link_fkey
        FOREIGN KEY (link_id) REFERENCES pay_links (id)
);

-- What an attempt says to its gateway is stored before it is said, so that it can be said again.
ALTER TABLE attempts ADD COLUMN link_id bigint,
                     ADD COLUMN link_version integer,
                     ADD COLUMN language text,
                     ADD COLUMN url text,
                     ADD CONSTRAINT attempts_link_fkey
                         FOREIGN KEY (link_id) REFERENCES pay_links (id);

-- What an attempt is meant for, in the order in which its money is applied. An attempt without such
-- rows is meant for its one invoice.
CREATE TABLE attempt_invoices (
    attempt_id bigint NOT NULL,
    position   integer NOT NULL,
    invoice_id bigint NOT NULL,
    CONSTRAINT attempt_invoices_pkey PRIMARY KEY (attempt_id, position),
    CONSTRAINT attempt_invoices_attempt_fkey FOREIGN KEY (attempt_id) REFERENCES attempts (id),
    CONSTRAINT attempt_invoices_invoice_fkey FOREIGN KEY (invoice_id) REFERENCES invoices (id)
);
CREATE INDEX attempt_invoices_by_invoice ON attempt_invoices (invoice_id);

ALTER TABLE outbox DROP CONSTRAINT outbox_effect_known,
                   ADD CONSTRAINT outbox_effect_known
                       CHECK (effect IN ('letter', 'lookup', 'expire', 'capture'));
