"""Statements as the server counts them: it tells each one it runs to the connection itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from ledger.store import Store


@contextmanager
def counted(store: Store) -> Iterator[list[str]]:
    """Collects every statement the server logs for this store's connections in the block."""
    statements: list[str] = []

    def note(diagnostic: Any) -> None:
        kind, _, statement = diagnostic.message_primary.partition(": ")
        if kind == "statement" or kind.startswith("execute"):
            statements.append(statement)

    def listen(connection: Any, *_: object) -> None:
        connection.execute("SET log_statement = 'all'")
        connection.execute("SET client_min_messages = 'log'")
        connection.commit()
        connection.add_notice_handler(note)

    store.engine.dispose()
    event.listen(store.engine, "connect", listen)
    try:
        with store.transaction() as books, store.aside() as aside:  # both connections are open
            books.value("SELECT 1")
            aside.value("SELECT 1")
        statements.clear()
        yield statements
    finally:
        event.remove(store.engine, "connect", listen)
        store.engine.dispose()
