"""The PostgreSQL and the Redis of one run, with the product's own settings, one for everybody.

Whatever is measured gets a clone of the same ground, vacuumed and checkpointed, and drops it.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import redis
from psycopg import sql

from cli.embedded.daemon import Daemon
from cli.embedded.postgres import Postgres
from cli.embedded.redis import Redis

GROUND = "ground"


class Stores:
    """Where the stores of a run are, and the processes that serve them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._home = Postgres(folder / "pg")
        cache = Redis(folder / "redis")
        self._log = folder / "postgres.log"
        self.postgres = Daemon(self._home, self._log)
        self.redis = Daemon(cache, folder / "redis.log")
        self.broker_url = cache.url

    def dsn(self, database: str) -> str:
        """The address of one database."""
        return self._home.dsn(database)

    def create(self, database: str) -> str:
        """Makes an empty database; answers its address."""
        self._tell("CREATE DATABASE {}", database)
        return self.dsn(database)

    @contextmanager
    def clone(self, database: str, ground: str = GROUND) -> Iterator[str]:
        """The address of a fresh copy of the ground, settled down; dropped afterwards."""
        self._tell("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", database, ground)
        try:
            self.settle_down(database)
            self.flush()
            yield self.dsn(database)
        finally:
            self._tell("DROP DATABASE {} WITH (FORCE)", database)

    def settle_down(self, database: str) -> None:
        """Leaves no work behind that a candidate would pay for: vacuum, statistics, checkpoint."""
        self.run(database, "VACUUM (ANALYZE)")
        self.run(database, "CHECKPOINT")

    def run(self, database: str, statement: str) -> None:
        """Executes a statement, or several as one transaction."""
        with self.connect(database) as connection:
            connection.prepare_threshold = None  # a prepared one could not be several
            connection.execute(statement)

    def value(self, database: str, statement: str) -> Any:
        """The single value a query answers."""
        with self.connect(database) as connection:
            row = connection.execute(statement).fetchone()
            return None if row is None else row[0]

    def connect(self, database: str) -> "psycopg.Connection[tuple[Any, ...]]":
        """A connection of one's own, without transactions."""
        return psycopg.connect(self.dsn(database), autocommit=True, prepare_threshold=0)

    def said(self) -> str:
        """What PostgreSQL has logged so far."""
        return self._log.read_text(errors="replace")

    def flush(self) -> None:
        """Empties Redis."""
        path = self.broker_url.removeprefix("redis+socket://")
        with redis.Redis(unix_socket_path=path) as client:
            client.flushall()

    def _tell(self, statement: str, *databases: str) -> None:
        names = map(sql.Identifier, databases)
        with self.connect("postgres") as connection:
            connection.execute(sql.SQL(statement).format(*names))


@contextmanager
def running() -> Iterator[Stores]:
    """Both stores, in a temporary folder that is removed afterwards."""
    with ExitStack() as ending:
        folder = Path(tempfile.mkdtemp(prefix="incasso-bench-"))
        ending.callback(shutil.rmtree, folder, ignore_errors=True)
        stores = Stores(folder)
        for daemon in (stores.postgres, stores.redis):
            ending.callback(daemon.stop)
            daemon.start()
        yield stores
