-- What is open, as a column: an index on the sums themselves would be rewritten, and all others of
-- the row with it, whenever a part is paid.
ALTER TABLE invoices ADD COLUMN is_open boolean NOT NULL GENERATED ALWAYS AS (
    state = 'issued'
    AND paid_minor + credited_minor + written_off_minor + settled_before_minor < total_minor) STORED;
DROP INDEX invoices_open;
CREATE INDEX invoices_open ON invoices (due_on) WHERE is_open;
