"""Gates in the database's way: whoever comes to a closed one stands there, until it is opened.

Triggers of the test's own, on the tables that a click, a capture and a refund go through, before a
row is written and when its transaction commits. Nothing of the product knows of them. One gate is
closed at a time, for the rows about one name alone: all others pass.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import psycopg
from psycopg.types.json import Jsonb

Moment = Literal["before", "commit"]

_LOCK = 4711  # an advisory lock; the product has none of this number

# What a row of each table is about, in which the name of a closed gate is looked for.
_ABOUT = {
    "attempts": "concat_ws(' ', NEW.order_id, NEW.session)",
    "attempt_invoices": "(SELECT order_id FROM attempts WHERE id = NEW.attempt_id)",
    "outbox": "concat_ws(' ', NEW.subject, (SELECT gateway_reference FROM refunds"
    " JOIN payments ON payments.id = payment_id WHERE NEW.subject = 'refund:' || refunds.id))",
    "inbox": "convert_from(NEW.raw, 'UTF8')",
    "tries": "(SELECT string_agg(convert_from(raw, 'UTF8'), ' ') FROM inbox"
    " WHERE id = ANY (NEW.inbox_ids))",
    "facts": "(SELECT convert_from(raw, 'UTF8') FROM inbox WHERE id = NEW.inbox_id)",
    "postings": "(SELECT convert_from(raw, 'UTF8') FROM inbox JOIN facts ON inbox.id = inbox_id"
    " WHERE facts.id = NEW.fact_id)",
    "payments": "NEW.gateway_reference",
    "refunds": "(SELECT gateway_reference FROM payments WHERE id = NEW.payment_id)",
    "idempotency_keys": "NEW.key",
    "journal": "(SELECT gateway_reference FROM payments"
    " WHERE id = CAST(NEW.after ->> 'payment' AS bigint))",
}

_FUNCTION = """
CREATE FUNCTION gates.stand_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM gates.closed WHERE gate = TG_NAME AND to_jsonb(NEW) @> wanted
               AND position(about IN {about}) > 0) THEN
        PERFORM pg_advisory_xact_lock_shared({lock});
    END IF;
    RETURN NEW;
END $$
"""
_TRIGGERS = (
    "CREATE TRIGGER {table}_{event}_before BEFORE {event} ON {table}"
    " FOR EACH ROW EXECUTE FUNCTION gates.stand_{table}()",
    "CREATE CONSTRAINT TRIGGER {table}_{event}_commit AFTER {event} ON {table}"
    " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION gates.stand_{table}()",
)


@dataclass(frozen=True, slots=True)
class Gate:
    """Where a row of a table is written; `wanted` are columns by which it is told from others."""

    event: Literal["insert", "update"]
    table: str
    moment: Moment
    wanted: Mapping[str, str] = field(default_factory=dict)


class Standing(NamedTuple):
    """A process that waits for us, by the name it told the database, and its statement."""

    process: str
    statement: str


class Gates:
    """The gates of one database, all open at first; and row locks, held from outside."""

    def __init__(self, dsn: str) -> None:
        self._keeper = psycopg.connect(dsn, autocommit=True)
        # Within a transaction the server shows everybody's doings as they were at its beginning.
        self._watch = psycopg.connect(dsn, autocommit=True)
        self._keeper.execute("CREATE SCHEMA gates")
        self._keeper.execute("CREATE TABLE gates.closed (gate text, about text, wanted jsonb)")
        for table, about in _ABOUT.items():
            self._build(table, about)

    def close(self) -> None:
        self._keeper.close()
        self._watch.close()

    @contextmanager
    def closed(self, gate: Gate, about: str) -> Iterator[None]:
        """Rows about this name do not pass while the block runs."""
        name = f"{gate.table}_{gate.event}_{gate.moment}"
        self._keeper.execute(f"SELECT pg_advisory_lock({_LOCK})")
        self._keeper.execute(
            "INSERT INTO gates.closed VALUES (%s, %s, %s)", (name, about, Jsonb(dict(gate.wanted)))
        )
        try:
            yield
        finally:
            self._keeper.execute("DELETE FROM gates.closed")
            self._keeper.execute(f"SELECT pg_advisory_unlock({_LOCK})")

    @contextmanager
    def locked(self, table: str, id_: int) -> Iterator[None]:
        """This row is in other hands while the block runs."""
        with self._keeper.transaction():
            self._keeper.execute(f"SELECT FROM {table} WHERE id = %s FOR UPDATE", (id_,))
            yield

    def standing(self) -> list[Standing]:
        """Who waits for us."""
        found = self._watch.execute(
            "SELECT application_name, query FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND %s = ANY (pg_blocking_pids(pid))",
            (self._keeper.info.backend_pid,),
        )
        return [Standing(name, " ".join(query.split())) for name, query in found.fetchall()]

    def is_gone(self, process: str) -> bool:
        """Whether the database has let go of all that this process had begun."""
        found = self._watch.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", (process,)
        )
        return found.fetchone() == (0,)

    def _build(self, table: str, about: str) -> None:
        self._keeper.execute(_FUNCTION.format(table=table, about=about, lock=_LOCK))
        for event in ("insert", "update"):
            for trigger in _TRIGGERS:
                self._keeper.execute(trigger.format(event=event, table=table))
