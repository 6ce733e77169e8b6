-- Which attempts at a gateway have not been paid is asked every quarter of an hour.
CREATE INDEX attempts_unpaid ON attempts (gateway, account, created_at)
    WHERE session IS NOT NULL AND state <> 'succeeded';
