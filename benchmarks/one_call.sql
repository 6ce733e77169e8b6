-- What PostgreSQL does at best for one event: everything the product writes for it, in one call.
-- Made on a database of the product's own migrations, so that every index, constraint and trigger
-- is paid for. tests/benchmarks holds it to the rows that the product writes.
CREATE FUNCTION settle_one(
    p_event text, p_intent text, p_charge text, p_invoice text, p_minor bigint,
    p_happened_at timestamptz, p_raw bytea, p_headers jsonb
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_inbox bigint;
    v_fact bigint;
    v_payment bigint;
    v_act bigint;
    v_invoice bigint;
    v_client bigint;
    v_open bigint;
    v_applied bigint;
    v_issued date;
    v_day date := (p_happened_at AT TIME ZONE 'Europe/Bucharest')::date;
BEGIN
    INSERT INTO inbox (gateway, account, event_id, source, kind, headers, raw, sha256)
    VALUES ('stripe', 'own/test', p_event, 'webhook', 'payment_intent.succeeded', p_headers, p_raw,
            sha256(p_raw))
    ON CONFLICT DO NOTHING RETURNING id INTO v_inbox;
    IF v_inbox IS NULL THEN
        RETURN false;
    END IF;

    INSERT INTO payment_names (gateway, account, name, reference)
    VALUES ('stripe', 'own/test', p_charge, p_intent), ('stripe', 'own/test', p_intent, p_intent);

    INSERT INTO facts (gateway, account, reference, move, item, status, class, currency,
                       amount_minor, trust, meant_for, happened_at, inbox_id)
    VALUES ('stripe', 'own/test', p_intent, 'in', '', 'succeeded', 'payment', 'RON', p_minor, 1,
            ARRAY[p_invoice], p_happened_at, v_inbox)
    RETURNING id INTO v_fact;

    SELECT id, client_id, issue_on,
           total_minor - paid_minor - credited_minor - written_off_minor - settled_before_minor
    INTO STRICT v_invoice, v_client, v_issued, v_open
    FROM invoices WHERE number = p_invoice AND state = 'issued' FOR NO KEY UPDATE;
    v_applied := least(p_minor, v_open);

    INSERT INTO payments (state, gateway, account, gateway_reference, client_id, currency,
                          amount_minor, unapplied_minor, method, paid_on, reference)
    VALUES ('posted', 'stripe', 'own/test', p_intent, v_client, 'RON', p_minor,
            p_minor - v_applied, 'stripe', v_day, p_intent)
    RETURNING id INTO v_payment;
    INSERT INTO intents (payment_id, position, invoice_id) VALUES (v_payment, 0, v_invoice);

    UPDATE invoices SET paid_minor = paid_minor + v_applied, updated_at = now()
    WHERE id = v_invoice;
    IF v_applied = v_open THEN
        UPDATE reminders SET state = 'cancelled', closed_at = clock_timestamp()
        WHERE invoice_id = v_invoice AND state = 'planned';
    END IF;

    INSERT INTO journal (actor, act, after)
    VALUES ('worker', 'settle', jsonb_build_object('inbox', jsonb_build_array(v_inbox)))
    RETURNING id INTO v_act;
    INSERT INTO postings (act_id, kind, source, destination, currency, amount_minor, payment_id,
                          invoice_id, client_id, fact_id, effective_on)
    VALUES (v_act, 'receive', 'outside:stripe:own/test', 'payment', 'RON', p_minor, v_payment,
            NULL, v_client, v_fact, v_day),
           (v_act, 'allocate', 'payment', 'invoice', 'RON', v_applied, v_payment, v_invoice,
            v_client, NULL, greatest(v_day, v_issued));

    UPDATE inbox SET state = 'done', settled_at = clock_timestamp() WHERE id = v_inbox;
    RETURN true;
END $$;
