"""The schema and its way forward."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from ledger.store import Store

# One migration at a time, whoever starts first: two processes that start together take turns.
_LOCK = 0x1CA550


def upgrade(store: Store) -> None:
    """Brings the schema to the newest version; a no-op when it is there.

    Takes a database-wide advisory lock, runs in one transaction and ends with ANALYZE, because
    plans made for empty tables are slow ones.
    """
    with store.engine.begin() as connection:
        # The other one may be migrating much data: longer than one waits for a row.
        connection.execute(text("SET LOCAL lock_timeout = '25s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        connection.execute(text("SET LOCAL lock_timeout TO DEFAULT"))
        if _present(connection) == newest():
            return
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    with store.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))


def newest() -> str:
    """The schema version this code needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def present(store: Store) -> str | None:
    """The schema version the database has; None when it has none."""
    with store.engine.connect() as connection:
        return _present(connection)


def _present(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config
