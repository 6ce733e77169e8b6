"""What a migrated database guards by itself, read from its own catalogue.

A NOT NULL that nobody named is a column's type, and what breaks it is a bug that any test would
meet. It is a guard where the column belongs to a unique key: there a NULL would come in twice.
"""

import psycopg

# Its own table is the migration tool's affair.
_CONSTRAINTS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
  AND conrelid <> 'alembic_version'::regclass
ORDER BY conname
"""

_INDEXES = """
SELECT c.relname, regexp_replace(pg_get_indexdef(i.indexrelid), '.* USING btree ', 'UNIQUE ')
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique
  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)
ORDER BY c.relname
"""

_TRIGGERS = """
SELECT tgname, regexp_replace(pg_get_triggerdef(oid), '^CREATE TRIGGER \\S+ ', '')
FROM pg_trigger WHERE NOT tgisinternal
ORDER BY tgname
"""

_KEY_COLUMNS = """
SELECT DISTINCT n.conrelid::regclass || '.' || a.attname, 'NOT NULL'
FROM pg_index i
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
JOIN pg_constraint n ON n.conrelid = i.indrelid AND n.contype = 'n' AND n.conkey = ARRAY[a.attnum]
WHERE i.indisunique AND NOT i.indisprimary AND n.connamespace = 'public'::regnamespace
ORDER BY 1
"""

_QUERIES = {
    "constraint": _CONSTRAINTS,
    "index": _INDEXES,
    "trigger": _TRIGGERS,
    "not_null": _KEY_COLUMNS,
}


def guards(dsn: str) -> dict[str, str]:
    """Every guard by its kind and name, as `constraint.inbox_event_once`, and what it demands."""
    with psycopg.connect(dsn) as connection:
        return {
            f"{kind}.{name}": " ".join(demand.split())
            for kind, query in _QUERIES.items()
            for name, demand in connection.execute(query)
        }
