"""One async connection with a deadline, for those who must answer even when the database is frozen.

Everything else in the ledger is synchronous; only the intake stands in an event loop.
"""

import asyncio
import os
import socket
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar, cast

import psycopg
from psycopg.abc import QueryNoTemplate

from domain.errors import TryLater
from ledger.store import session_options

Rows = list[tuple[Any, ...]]
Answer = TypeVar("Answer")


class Line:
    """A connection of its own, opened when first needed and again after it broke; autocommit.

    One statement at a time: callers take turns.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None
        self._is_cut_off = False

    async def rows(self, statement: str, values: Mapping[str, Any]) -> Rows:
        """What the statement returns. Raises TryLater when the connection fails.

        A connection that was lost since it was last used is opened anew, once: statements here may
        be repeated. One that the server refuses raises the psycopg error, and the line stays whole.
        """
        was_open = self._connection is not None
        try:
            return await self._rows(statement, values)
        except TryLater:
            if not was_open or self._is_cut_off:
                raise
            return await self._rows(statement, values)

    async def _rows(self, statement: str, values: Mapping[str, Any]) -> Rows:
        try:
            connection = await self._connected()
            cursor = await connection.execute(cast(QueryNoTemplate, statement), values, binary=True)
            return await cursor.fetchall()
        except psycopg.OperationalError as error:
            if self._connection is None or self._connection.closed:
                await self.close()
                raise TryLater(timedelta(seconds=1), "the database does not answer") from error
            raise

    async def within(self, seconds: float, work: Coroutine[Any, Any, Answer]) -> Answer:
        """The answer of work on this line, which is cut off when it takes longer than that."""
        self._is_cut_off = False
        task = asyncio.ensure_future(work)
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            self._cut_off(task)
            await asyncio.wait({task}, timeout=1)
        if not task.done() or task.cancelled():
            raise TryLater(timedelta(seconds=1), "the database does not answer")
        return task.result()

    async def close(self) -> None:
        """Gives the connection back; the next statement opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    def _cut_off(self, task: "asyncio.Future[Any]") -> None:
        """Ends what is under way at once, even when the server is frozen.

        Asking the server to cancel takes 7-12 s when it does not answer. The socket is shut down
        before psycopg closes it, so that the event loop wakes up on this one and never watches a
        number that by then belongs to another socket.
        """
        self._is_cut_off = True
        if self._connection is None or self._connection.closed:
            task.cancel()
            return
        with suppress(OSError), socket.socket(fileno=os.dup(self._connection.fileno())) as own:
            own.shutdown(socket.SHUT_RDWR)

    async def _connected(self) -> psycopg.AsyncConnection[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            self._connection = None
            self._connection = await psycopg.AsyncConnection.connect(
                self._dsn,
                autocommit=True,
                prepare_threshold=0,
                connect_timeout=2,
                options=session_options(),
            )
        return self._connection
