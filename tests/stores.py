"""The stores of a test run: started once, or given by TEST_DATABASE_URL and TEST_BROKER_URL."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from cli.embedded.daemon import Daemon
from cli.embedded.postgres import Postgres
from cli.embedded.redis import Redis
from ledger import migrations
from ledger.store import Store

# A test database may be lost with the machine. The stores of a test that pulls the plug may not:
# such a test starts its own.
CARELESS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
ROOMY = {"max_connections": "300"}


@dataclass(frozen=True, slots=True)
class Stores:
    """Where a run's stores are; `run` is the prefix of every database it makes."""

    database_url: str
    broker_url: str
    run: str

    def dsn(self, database: str) -> str:
        """The address of one database on the run's server."""
        return urlsplit(self.database_url)._replace(path=f"/{database}").geturl()

    @property
    def template(self) -> str:
        """The migrated, empty database that all others are clones of."""
        return f"{self.run}_template"

    def build_template(self) -> None:
        """Makes the template."""
        self._tell("CREATE DATABASE {}", self.template)
        store = Store(self.dsn(self.template))
        migrations.upgrade(store)
        store.close()

    @contextmanager
    def clone(self, name: str) -> Iterator[str]:
        """The address of a fresh copy of the template, dropped afterwards."""
        database = f"{self.run}_{name}"
        self._tell("CREATE DATABASE {} TEMPLATE {}", database, self.template)
        try:
            yield self.dsn(database)
        finally:
            self._tell("DROP DATABASE {} WITH (FORCE)", database)

    def drop_template(self) -> None:
        """Leaves a given server as it was found."""
        self._tell("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.template)

    def _tell(self, statement: str, *databases: str) -> None:
        names = map(sql.Identifier, databases)
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*names))


@contextmanager
def running(database_url: str | None, broker_url: str | None) -> Iterator[Stores]:
    """The stores of one run; those that are not given are started, and stopped at the end."""
    home = Path(tempfile.mkdtemp(prefix="incasso-test-"))
    daemons = []
    try:
        if database_url is None:
            postgres = Postgres(home / "pg", CARELESS | ROOMY)
            database_url = postgres.dsn("postgres")
            daemons.append(Daemon(postgres, home / "postgres.log"))
        if broker_url is None:
            redis = Redis(home / "redis")
            broker_url = redis.url
            daemons.append(Daemon(redis, home / "redis.log"))
        for daemon in daemons:
            daemon.start()
        stores = Stores(database_url, broker_url, f"incasso_test_{os.getpid()}")
        stores.build_template()
        try:
            yield stores
        finally:
            stores.drop_template()
    finally:
        for daemon in daemons:
            daemon.stop()
        shutil.rmtree(home)
