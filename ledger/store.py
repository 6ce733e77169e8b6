"""The door to the database: connections, transactions and the opaque `Books` they yield."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache
from time import sleep
from typing import Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, TextClause, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from domain.errors import TryLater
from ledger import arrays

Row = TypeVar("Row")
Outcome = TypeVar("Outcome")

_PAUSES = (0.05, 0.2)

# Plans follow the data that is there, not the first values seen; and a page out of order costs what
# it does on a disk without a moving head, else a batch of 200 reads whole tables of 50,000 rows.
# The timeouts bound what one stuck session can do to all others.
_SESSION = {
    "plan_cache_mode": "force_custom_plan",
    "random_page_cost": "1.1",
    "statement_timeout": "30s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
}


# A server whose machine is gone says nothing: it is given up after a quarter of a minute.
_PULSE = {
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}


class Books:
    """An open transaction. Only the ledger looks inside; the edges open it, pass it on, commit."""

    __slots__ = ("_connection", "store")

    def __init__(self, connection: Connection, store: "Store") -> None:
        self._connection = connection
        self.store = store

    def run(self, statement: str, **values: Any) -> int:
        """Executes a statement; answers how many rows it touched."""
        return self._connection.execute(_parsed(statement), values).rowcount

    def value(self, statement: str, **values: Any) -> Any:
        """The single value of a single row, or None when there is no row."""
        return self._connection.execute(_parsed(statement), values).scalar_one_or_none()

    def rows(self, shape: Callable[..., Row], statement: str, **values: Any) -> list[Row]:
        """Every row, as `shape`, whose fields are the columns in the statement's order."""
        return [shape(*row) for row in self._connection.execute(_parsed(statement), values).all()]

    def row(self, shape: Callable[..., Row], statement: str, **values: Any) -> Row | None:
        """The one row as `shape`, or None."""
        found = self._connection.execute(_parsed(statement), values).one_or_none()
        return None if found is None else shape(*found)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undoes what the block did when it raises; the transaction goes on."""
        with self._connection.begin_nested():
            yield


class Store:
    """One database. Holds a small pool; make it after the fork, never before."""

    def __init__(self, dsn: str, *, pool_size: int = 4) -> None:
        self.dsn = dsn
        self.engine: Engine = create_engine(
            make_url(dsn).set(drivername="postgresql+psycopg"),
            pool_size=pool_size,
            hide_parameters=True,
            max_overflow=4,
            pool_timeout=2,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 3, "options": session_options(), **_PULSE},
        )
        event.listen(self.engine, "connect", lambda connection, _: arrays.teach(connection))

    @contextmanager
    def transaction(self) -> Iterator[Books]:
        """A transaction that commits when the block ends well and rolls back when it raises.

        A lost connection, a deadlock, a lock that did not come in time and an exhausted pool are
        raised as TryLater: every transaction of ours is safe to run again.
        """
        try:
            with self.engine.begin() as connection, _left_whole(connection):
                yield Books(connection, self)
        except (DBAPIError, PoolTimeout) as error:
            if _is_passing(error):
                raise TryLater(timedelta(seconds=1), str(error).splitlines()[0]) from error
            raise

    def act(self, work: Callable[[Books], Outcome]) -> Outcome:
        """What `work` answers, in a transaction of its own; run again when the world was busy.

        At most three times: a lock that met another act's, or a deadlock, is over in a moment.
        """
        for pause_seconds in _PAUSES:
            try:
                with self.transaction() as books:
                    return work(books)
            except TryLater:
                sleep(pause_seconds)
        with self.transaction() as books:
            return work(books)

    @contextmanager
    def snapshot(self) -> Iterator[Books]:
        """A read-only transaction that sees one moment of the whole database."""
        with self.transaction() as books:
            books.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield books

    @contextmanager
    def rehearsal(self) -> Iterator[Books]:
        """A transaction that sees one moment of the whole database and is always rolled back."""
        with suppress(_Rehearsed), self.transaction() as books:
            books.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield books
            raise _Rehearsed

    @contextmanager
    def aside(self) -> Iterator[Books]:
        """A transaction on a second connection, for what must stay whatever the first one does."""
        with self.transaction() as books:
            yield books

    def close(self) -> None:
        """Gives every pooled connection back to the server."""
        self.engine.dispose()


class _Rehearsed(Exception):  # noqa: N818 - the good end of a rehearsal
    pass


@contextmanager
def _left_whole(connection: Connection) -> Iterator[None]:
    """Drops a connection that something interrupts in mid-statement, such as a time limit.

    Nothing can be rolled back on it, and the failure of that would hide what happened.
    """
    try:
        yield
    except BaseException:
        if not connection.invalidated and _is_busy(connection):
            connection.invalidate()
        raise


def _is_busy(connection: Connection) -> bool:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver.info.transaction_status is TransactionStatus.ACTIVE


def session_options() -> str:
    """The session settings every connection of ours starts with, as libpq `options`."""
    return " ".join(f"-c {name}={value}" for name, value in _SESSION.items())


def columns(rows: Sequence[Sequence[Any]], names: Sequence[str]) -> Mapping[str, list[Any]]:
    """Turns rows into one array per column, as `FROM unnest(...)` takes them."""
    if not rows:
        return {name: [] for name in names}
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


# Serialization failure, deadlock, a lock that did not come, a server that only reads; and by class:
# no connection, no room or memory, shutting down, a sick disk.
_PASSING_STATES = {"40001", "40P01", "55P03", "25006"}
_PASSING_CLASSES = {"08", "53", "57", "58"}
_CANCELLED = "57014"  # the statement's own time is over: it may be the row's fault


def _is_passing(error: DBAPIError | PoolTimeout) -> bool:
    if isinstance(error, PoolTimeout) or error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return isinstance(error, OperationalError)  # no answer from the server at all
    return state in _PASSING_STATES or (state[:2] in _PASSING_CLASSES and state != _CANCELLED)


@cache
def _parsed(statement: str) -> TextClause:
    return text(statement)
