-- Each law: a name, and a query that finds the rows that break it as (subject, detail).

-- law: an invoice is paid by what is allocated to it
SELECT 'invoice:' || i.id, format('stored %s, postings say %s', i.paid_minor, coalesce(p.paid, 0))
FROM invoices i
LEFT JOIN (SELECT invoice_id, sum(CASE destination WHEN 'invoice' THEN amount_minor
                                  ELSE -amount_minor END) AS paid
           FROM postings WHERE kind = 'allocate' GROUP BY invoice_id) p ON p.invoice_id = i.id
WHERE i.paid_minor <> coalesce(p.paid, 0)

-- law: an issued invoice owes its account, and never less than nothing
SELECT 'invoice:' || i.id, format('stored open %s, postings say %s',
       CASE i.state WHEN 'issued' THEN i.total_minor ELSE 0 END - i.paid_minor - i.credited_minor
       - i.written_off_minor - i.settled_before_minor, -coalesce(p.balance, 0))
FROM invoices i
LEFT JOIN (SELECT invoice_id, sum(CASE WHEN destination = 'invoice' THEN amount_minor
                                       WHEN source = 'invoice' THEN -amount_minor END) AS balance
           FROM postings WHERE 'invoice' IN (source, destination) GROUP BY invoice_id) p
       ON p.invoice_id = i.id
WHERE CASE i.state WHEN 'issued' THEN i.total_minor ELSE 0 END - i.paid_minor - i.credited_minor
      - i.written_off_minor - i.settled_before_minor <> -coalesce(p.balance, 0)
   OR coalesce(p.balance, 0) > 0

-- law: a payment's amount is what was received
SELECT 'payment:' || m.id, format('stored %s, postings say %s', m.amount_minor, coalesce(p.received, 0))
FROM payments m
LEFT JOIN (SELECT payment_id, sum(CASE WHEN source LIKE 'outside:%' THEN amount_minor
                                  ELSE -amount_minor END) AS received
           FROM postings WHERE kind = 'receive' GROUP BY payment_id) p ON p.payment_id = m.id
WHERE m.amount_minor <> coalesce(p.received, 0)

-- law: a payment's unapplied credit is the balance of its account, never below zero
SELECT 'payment:' || m.id, format('stored %s, postings say %s', m.unapplied_minor, coalesce(p.balance, 0))
FROM payments m
LEFT JOIN (SELECT payment_id, sum(CASE WHEN destination = 'payment' THEN amount_minor
                                       WHEN source = 'payment' THEN -amount_minor END) AS balance
           FROM postings WHERE 'payment' IN (source, destination) GROUP BY payment_id) p
       ON p.payment_id = m.id
WHERE m.unapplied_minor <> coalesce(p.balance, 0) OR coalesce(p.balance, 0) < 0

-- law: what waits for a client is the unidentified balance, never below zero
SELECT 'payment:' || m.id, format('stored %s, postings say %s', m.unidentified_minor, coalesce(p.balance, 0))
FROM payments m
LEFT JOIN (SELECT payment_id, sum(CASE WHEN destination = 'unidentified' THEN amount_minor
                                       WHEN source = 'unidentified' THEN -amount_minor END) AS balance
           FROM postings WHERE 'unidentified' IN (source, destination) GROUP BY payment_id) p
       ON p.payment_id = m.id
WHERE m.unidentified_minor <> coalesce(p.balance, 0) OR coalesce(p.balance, 0) < 0

-- law: what a payment received is applied, unapplied, unidentified or gone back
SELECT 'payment:' || m.id, format(
       'received %s, lost %s, allocated %s, unapplied %s, unidentified %s, returned %s',
       m.amount_minor, m.lost_minor, coalesce(p.allocated, 0), m.unapplied_minor,
       m.unidentified_minor, m.returned_minor)
FROM payments m
LEFT JOIN (SELECT payment_id, sum(CASE destination WHEN 'invoice' THEN amount_minor
                                  ELSE -amount_minor END) AS allocated
           FROM postings WHERE kind = 'allocate' GROUP BY payment_id) p ON p.payment_id = m.id
WHERE m.amount_minor + m.lost_minor <> coalesce(p.allocated, 0) + m.unapplied_minor
      + m.unidentified_minor + m.returned_minor

-- law: what went back, and what was lost by it, is what the postings say
SELECT 'payment:' || m.id, format('stored %s and %s, postings say %s and %s', m.returned_minor,
       m.lost_minor, coalesce(p.returned, 0), coalesce(p.lost, 0))
FROM payments m
LEFT JOIN (SELECT payment_id,
                  sum(CASE WHEN destination LIKE 'outside:%' THEN amount_minor
                      ELSE -amount_minor END) FILTER (WHERE kind IN ('refund', 'chargeback'))
                      AS returned,
                  sum(CASE WHEN source LIKE 'outside:%' THEN amount_minor
                      ELSE -amount_minor END) FILTER (WHERE kind = 'loss') AS lost
           FROM postings WHERE kind IN ('refund', 'chargeback', 'loss') GROUP BY payment_id) p
       ON p.payment_id = m.id
WHERE (m.returned_minor, m.lost_minor) <> (coalesce(p.returned, 0), coalesce(p.lost, 0))

-- law: what went back is exactly what the facts say went back
SELECT 'payment:' || m.id, format('booked %s, facts say %s', m.returned_minor, f.refunded + f.charged)
FROM payments m
JOIN (SELECT gateway, account, reference, currency,
             coalesce(sum(amount_minor) FILTER (WHERE move = 'out' AND class <> 'chargeback'), 0)
                 AS refunded,
             greatest(0, coalesce(sum(CASE move WHEN 'back' THEN -amount_minor
                                      ELSE amount_minor END)
                 FILTER (WHERE move = 'back' OR (move = 'out' AND class = 'chargeback')), 0))
                 AS charged
      FROM facts WHERE status = 'succeeded' GROUP BY gateway, account, reference, currency) f
       ON (m.gateway, m.account, m.gateway_reference, m.currency)
        = (f.gateway, f.account, f.reference, f.currency)
WHERE m.returned_minor <> f.refunded + f.charged

-- law: money waits unidentified exactly while no client is known
SELECT 'payment:' || id, format('client %s, unapplied %s, unidentified %s',
       client_id, unapplied_minor, unidentified_minor)
FROM payments
WHERE (client_id IS NULL AND unapplied_minor > 0) OR (client_id IS NOT NULL AND unidentified_minor > 0)

-- law: a posting stays within one client and one currency
SELECT 'posting:' || p.id, format('%s for client %s: payment %s (client %s, %s), invoice %s (client %s, %s)',
       p.currency, p.client_id, m.id, m.client_id, m.currency, i.id, i.client_id, i.currency)
FROM postings p
LEFT JOIN payments m ON m.id = p.payment_id
LEFT JOIN invoices i ON i.id = p.invoice_id
WHERE (p.currency <> m.currency AND p.kind <> 'fee') OR p.currency <> i.currency
   OR p.client_id <> m.client_id OR p.client_id <> i.client_id
   OR (p.kind = 'allocate' AND m.id IS NOT NULL AND i.id IS NOT NULL
       AND m.client_id IS DISTINCT FROM i.client_id)

-- law: money is received from its gateway's account, by a fact of its payment
SELECT 'posting:' || p.id, format('%s by fact %s of %s', p.source, p.fact_id, f.reference)
FROM postings p JOIN payments m ON m.id = p.payment_id LEFT JOIN facts f ON f.id = p.fact_id
WHERE p.kind = 'receive' AND p.reverses IS NULL AND m.gateway IS NOT NULL
  AND (p.source <> format('outside:%s:%s', m.gateway, m.account)
       OR (f.gateway, f.account, f.reference)
          IS DISTINCT FROM (m.gateway, m.account, m.gateway_reference))

-- law: a parked delivery waits for an errand or for a person
SELECT 'event:' || i.id, format('nothing will ever tell what %s is', i.waits_for)
FROM inbox i
WHERE i.state = 'parked'
  AND NOT EXISTS (SELECT FROM outbox o
                  WHERE o.effect = 'lookup' AND o.state IN ('waiting', 'claimed')
                    AND (o.subject, o.destination)
                      = ('name:' || i.waits_for, i.gateway || ':' || i.account))
  AND NOT EXISTS (SELECT FROM attention
                  WHERE subject IN ('event:' || i.id, 'name:' || i.waits_for)
                    AND resolved_at IS NULL)

-- law: money that went back and never came is asked about, or was shown to a person
SELECT 'reference:' || f.reference, 'nobody asks whether it ever came'
FROM (SELECT gateway, account, reference FROM facts
      GROUP BY gateway, account, reference
      HAVING bool_or(move IN ('out', 'back'))
         AND NOT bool_or(move = 'in' AND status = 'succeeded')) f
WHERE NOT EXISTS (SELECT FROM payment_names n
                  JOIN outbox o ON o.effect = 'lookup' AND o.state IN ('waiting', 'claimed')
                   AND (o.subject, o.destination)
                     = ('name:' || n.name, n.gateway || ':' || n.account)
                  WHERE (n.gateway, n.account, n.reference) = (f.gateway, f.account, f.reference))
  AND NOT EXISTS (SELECT FROM payment_names n
                  JOIN attention a ON a.kind = 'lookup_failed' AND a.subject = 'name:' || n.name
                  WHERE (n.gateway, n.account, n.reference) = (f.gateway, f.account, f.reference))

-- law: a fee is booked once, as its fact tells it
SELECT 'fact:' || f.id, format('%s of %s %s, booked %s', f.move, f.amount_minor, f.currency,
       coalesce(p.booked, 0))
FROM facts f
JOIN payments m ON (m.gateway, m.account, m.gateway_reference)
                 = (f.gateway, f.account, f.reference)
LEFT JOIN (SELECT fact_id, payment_id, currency, sum(CASE source WHEN 'outside:fees'
                  THEN amount_minor ELSE -amount_minor END) AS booked
           FROM postings WHERE kind = 'fee' AND 'outside:fees' IN (source, destination)
           GROUP BY fact_id, payment_id, currency) p
       ON (p.fact_id, p.payment_id, p.currency) = (f.id, m.id, f.currency)
WHERE f.class = 'fee' AND f.status = 'succeeded'
  AND coalesce(p.booked, 0) <> CASE f.move WHEN 'fee' THEN f.amount_minor ELSE -f.amount_minor END
UNION ALL
SELECT 'posting:' || p.id, 'no fee of its payment tells it'
FROM postings p
LEFT JOIN facts f ON f.id = p.fact_id AND f.class = 'fee'
LEFT JOIN payments m ON m.id = p.payment_id
WHERE p.kind = 'fee' AND (f.id IS NULL OR m.id IS NULL
   OR (f.gateway, f.account, f.reference) <> (m.gateway, m.account, m.gateway_reference)
   OR format('outside:%s:%s', f.gateway, f.account) NOT IN (p.source, p.destination)
   OR 'outside:fees' NOT IN (p.source, p.destination))

-- law: no open invoice has a payment meant for it that is not applied
SELECT 'invoice:' || i.id, format('payment %s has %s unapplied', m.id, m.unapplied_minor)
FROM invoices i JOIN intents n ON n.invoice_id = i.id JOIN payments m ON m.id = n.payment_id
WHERE i.state = 'issued' AND m.client_id = i.client_id AND m.currency = i.currency
  AND m.unapplied_minor > m.reserved_minor
  AND i.total_minor > i.paid_minor + i.credited_minor + i.written_off_minor + i.settled_before_minor
  AND (n.amount_minor IS NULL OR n.amount_minor > (
      SELECT coalesce(sum(CASE destination WHEN 'invoice' THEN amount_minor ELSE -amount_minor END), 0)
      FROM postings p WHERE p.payment_id = m.id AND p.invoice_id = i.id AND p.kind = 'allocate'))

-- law: money is applied where it is meant, and up to what is meant
SELECT 'payment:' || a.payment_id, format('%s applied to invoice %s, meant are %s', a.applied,
       a.invoice_id, CASE WHEN n.payment_id IS NULL THEN 0 ELSE n.amount_minor END)
FROM (SELECT payment_id, invoice_id, sum(CASE destination WHEN 'invoice' THEN amount_minor
                                         ELSE -amount_minor END) AS applied
      FROM postings WHERE kind = 'allocate' AND payment_id IS NOT NULL AND invoice_id IS NOT NULL
      GROUP BY payment_id, invoice_id) a
LEFT JOIN intents n ON (n.payment_id, n.invoice_id) = (a.payment_id, a.invoice_id)
WHERE a.applied > 0 AND (n.payment_id IS NULL OR a.applied > n.amount_minor)

-- law: a payment is meant for an invoice once
SELECT 'payment:' || payment_id, format('meant for invoice %s %s times', invoice_id, count(*))
FROM intents GROUP BY payment_id, invoice_id HAVING count(*) > 1

-- law: an invoice is issued once for its total, and void once for the same
SELECT 'invoice:' || i.id, format('state %s, issue %s of %s, void %s of %s', i.state,
       coalesce(p.issues, 0), coalesce(p.issued, 0), coalesce(p.voids, 0), coalesce(p.voided, 0))
FROM invoices i
LEFT JOIN (SELECT invoice_id,
                  count(*) FILTER (WHERE kind = 'issue') AS issues,
                  sum(amount_minor) FILTER (WHERE kind = 'issue') AS issued,
                  count(*) FILTER (WHERE kind = 'void') AS voids,
                  sum(amount_minor) FILTER (WHERE kind = 'void') AS voided
           FROM postings WHERE kind IN ('issue', 'void') GROUP BY invoice_id) p
       ON p.invoice_id = i.id
WHERE (coalesce(p.issues, 0), coalesce(p.issued, 0), coalesce(p.voids, 0), coalesce(p.voided, 0))
   <> CASE i.state WHEN 'draft' THEN (0::bigint, 0::numeric, 0::bigint, 0::numeric)
                   WHEN 'issued' THEN (1::bigint, i.total_minor::numeric, 0::bigint, 0::numeric)
                   ELSE (1::bigint, i.total_minor::numeric, 1::bigint, i.total_minor::numeric) END

-- law: what an invoice is credited and written off is what was posted so
SELECT 'invoice:' || i.id, format('stored %s and %s, postings say %s and %s', i.credited_minor,
       i.written_off_minor, coalesce(p.credited, 0), coalesce(p.written_off, 0))
FROM invoices i
LEFT JOIN (SELECT invoice_id, sum(CASE destination WHEN 'invoice' THEN amount_minor
                                  ELSE -amount_minor END) FILTER (WHERE kind = 'credit_note') AS credited,
                  sum(CASE destination WHEN 'invoice' THEN amount_minor
                      ELSE -amount_minor END) FILTER (WHERE kind = 'write_off') AS written_off
           FROM postings WHERE kind IN ('credit_note', 'write_off') GROUP BY invoice_id) p
       ON p.invoice_id = i.id
WHERE (i.credited_minor, i.written_off_minor)
   <> (coalesce(p.credited, 0), coalesce(p.written_off, 0))

-- law: what is credited, written off or void was lowered by a person who said why
SELECT 'posting:' || p.id, format('%s of %s by %s, reason %s', p.kind, p.source, j.actor, j.reason)
FROM postings p LEFT JOIN journal j ON j.id = p.act_id
WHERE p.kind IN ('credit_note', 'write_off', 'void')
  AND (j.actor = 'worker' OR coalesce(j.reason, '') = ''
       OR (p.kind <> 'void' AND 'outside:' || p.kind NOT IN (p.source, p.destination)))

-- law: an opposite keeps the kind, swaps the accounts and never exceeds what it reverses
SELECT 'posting:' || p.id, format('%s of %s reversed by %s', p.kind, p.amount_minor, sum(r.amount_minor))
FROM postings r LEFT JOIN postings p ON p.id = r.reverses
WHERE r.reverses IS NOT NULL
GROUP BY p.id
HAVING p.id IS NULL OR sum(r.amount_minor) > p.amount_minor
    OR bool_or(r.kind <> p.kind OR r.source <> p.destination OR r.destination <> p.source
               OR r.currency <> p.currency OR r.payment_id IS DISTINCT FROM p.payment_id
               OR r.invoice_id IS DISTINCT FROM p.invoice_id)

-- law: a gateway's payment is exactly what the facts say arrived
SELECT coalesce('payment:' || m.id, 'reference:' || f.reference),
       format('booked %s, facts say %s', coalesce(m.amount_minor, 0), coalesce(f.arrived, 0))
FROM (SELECT gateway, account, reference, currency, sum(amount_minor) AS arrived FROM facts
      WHERE move = 'in' AND status = 'succeeded' GROUP BY gateway, account, reference, currency) f
FULL JOIN (SELECT * FROM payments WHERE gateway IS NOT NULL) m
       ON (m.gateway, m.account, m.gateway_reference, m.currency)
        = (f.gateway, f.account, f.reference, f.currency)
WHERE coalesce(m.amount_minor, 0) <> coalesce(f.arrived, 0) OR m.id IS NULL

-- law: every posting names rows that exist
SELECT 'posting:' || p.id, 'its act, payment, invoice, client or fact is missing'
FROM postings p
WHERE NOT EXISTS (SELECT FROM journal WHERE id = p.act_id)
   OR (p.payment_id IS NOT NULL AND NOT EXISTS (SELECT FROM payments WHERE id = p.payment_id))
   OR (p.invoice_id IS NOT NULL AND NOT EXISTS (SELECT FROM invoices WHERE id = p.invoice_id))
   OR (p.client_id IS NOT NULL AND NOT EXISTS (SELECT FROM clients WHERE id = p.client_id))
   OR (p.fact_id IS NOT NULL AND NOT EXISTS (SELECT FROM facts WHERE id = p.fact_id))

-- law: every payment and every intent names rows that exist
SELECT 'payment:' || p.id, format('client %s is missing', p.client_id)
FROM payments p
WHERE p.client_id IS NOT NULL AND NOT EXISTS (SELECT FROM clients WHERE id = p.client_id)
UNION ALL
SELECT 'payment:' || n.payment_id, format('meant for invoice %s: one of the two is missing', n.invoice_id)
FROM intents n
WHERE NOT EXISTS (SELECT FROM payments WHERE id = n.payment_id)
   OR NOT EXISTS (SELECT FROM invoices WHERE id = n.invoice_id)

-- law: every fact comes from a delivery, under the main name of its payment
SELECT 'fact:' || f.id, format('%s from event %s', f.reference, f.inbox_id)
FROM facts f
WHERE NOT EXISTS (SELECT FROM inbox i WHERE i.id = f.inbox_id
                  AND (i.gateway, i.account) = (f.gateway, f.account))
   OR NOT EXISTS (SELECT FROM payment_names n
                  WHERE (n.gateway, n.account, n.name, n.reference)
                      = (f.gateway, f.account, f.reference, f.reference))

-- law: nothing is planned to chase an invoice that is not owed
SELECT 'reminder:' || r.id, format('invoice %s is not open', i.id)
FROM reminders r JOIN invoices i ON i.id = r.invoice_id
WHERE r.state = 'planned'
  AND (i.state <> 'issued'
       OR i.total_minor
          <= i.paid_minor + i.credited_minor + i.written_off_minor + i.settled_before_minor)

-- law: a dead delivery was shown to a person
SELECT 'event:' || i.id, 'no attention was ever opened'
FROM inbox i
WHERE i.state = 'dead' AND NOT EXISTS (SELECT FROM attention WHERE subject = 'event:' || i.id)

-- law: what is written in the books is guarded
SELECT 'trigger:' || wanted.name, 'missing or switched off'
FROM (VALUES ('postings_append_only'), ('postings_never_truncated'), ('journal_append_only'),
             ('journal_never_truncated')) AS wanted (name)
WHERE NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgname = wanted.name AND t.tgenabled <> 'D')

-- law: a settled delivery left something behind, and a dead one says why
SELECT 'event:' || i.id, format('%s without %s', i.state, CASE i.state WHEN 'done' THEN 'a moment' ELSE 'a reason' END)
FROM inbox i
WHERE (i.state = 'done' AND i.settled_at IS NULL)
   OR (i.state IN ('ignored', 'dead') AND i.reason IS NULL)

-- law: a link's token is of a version that the link has, or had
SELECT 'link:' || t.link_id, format('a token of version %s, the link has %s', t.version, l.version)
FROM pay_tokens t LEFT JOIN pay_links l ON l.id = t.link_id
WHERE l.id IS NULL OR t.version > l.version

-- law: an attempt asks for what its link shows: its invoice, or its client's
SELECT 'attempt:' || a.id, format('invoice %s is not of link %s', i.id, l.id)
FROM attempts a
JOIN pay_links l ON l.id = a.link_id
LEFT JOIN attempt_invoices n ON n.attempt_id = a.id
LEFT JOIN invoices i ON i.id = n.invoice_id
WHERE i.id IS NULL OR (i.client_id, i.currency) <> (l.client_id, a.currency)
   OR i.id <> coalesce(l.invoice_id, i.id)

-- law: a session in which somebody could pay for what is closed is being closed
SELECT 'attempt:' || a.id, 'it is open, and no errand closes its session'
FROM attempts a
WHERE a.state = 'open' AND a.link_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM outbox WHERE key = 'expire:' || a.id)
  AND EXISTS (SELECT FROM attempt_invoices n JOIN invoices i ON i.id = n.invoice_id
              WHERE n.attempt_id = a.id AND NOT i.is_open)

-- law: what is promised back is what the refunds under way add up to
SELECT 'payment:' || m.id, format('stored %s, refunds say %s', m.reserved_minor, coalesce(r.reserved, 0))
FROM payments m
LEFT JOIN (SELECT payment_id, sum(amount_minor) AS reserved FROM refunds
           WHERE state IN ('open', 'sent', 'unknown') GROUP BY payment_id) r ON r.payment_id = m.id
WHERE m.reserved_minor <> coalesce(r.reserved, 0)

-- law: a refund ends as its fact tells, and one under way has an errand, an answer or a person
SELECT 'refund:' || r.id, format('it is %s, its fact is %s', r.state, coalesce(f.status, 'not there'))
FROM refunds r JOIN payments m ON m.id = r.payment_id
LEFT JOIN facts f ON (f.gateway, f.account, f.reference, f.move, f.item)
                   = (m.gateway, m.account, m.gateway_reference, 'out', r.item)
WHERE (f.status = 'succeeded' AND r.state NOT IN ('done', 'sent'))
   OR (f.status = 'failed' AND r.state NOT IN ('failed', 'sent'))
   OR (r.state = 'done' AND f.status IS DISTINCT FROM 'succeeded')
   OR (r.state = 'open' AND NOT EXISTS (SELECT FROM outbox o WHERE o.key = 'refund:' || r.id
                                        AND o.state IN ('waiting', 'claimed')))
   OR (r.state = 'unknown' AND NOT EXISTS (SELECT FROM attention a
                                           WHERE a.subject = 'refund:' || r.id))
