"""A wire between clients and a server that may be cut, slow, silent in one way, or half-open."""

import asyncio
import socket
import struct
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER of no time: the peer hears a reset


@dataclass(eq=False, slots=True)
class _Connection:
    """One client's two ends; a dark one swallows whatever comes, for good."""

    client: StreamWriter
    server: StreamWriter
    is_dark: bool = False


class Proxy:
    """Passes bytes on between the clients of a TCP port and a server, in a thread of its own.

    `server` is the path of a unix socket, or a port.
    """

    def __init__(self, server: Path | int) -> None:
        self.delay_seconds = 0.0  # for every piece that passes, either way
        self._server = server
        self._connections: set[_Connection] = set()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._answers, self._ending, is_up = asyncio.Event(), asyncio.Event(), threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(is_up),))
        self._thread.start()
        is_up.wait()

    def hold_answers(self) -> None:
        """From now on the server hears everything and the clients nothing."""
        self._loop.call_soon_threadsafe(self._answers.clear)

    def cut(self) -> int:
        """Resets every connection there is; answers how many."""
        return self._strike(_reset)

    def darken(self) -> int:
        """Leaves every connection there is open and silent; answers how many. New ones work."""
        return self._strike(_darken)

    def close(self) -> None:
        """Ends every connection, and takes no more."""
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()

    def _strike(self, strike: Callable[[_Connection], None]) -> int:
        async def work() -> int:
            struck = [each for each in self._connections if not each.is_dark]
            for connection in struck:
                strike(connection)
            return len(struck)

        return asyncio.run_coroutine_threadsafe(work(), self._loop).result()

    async def _serve(self, is_up: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._answers.set()
        await asyncio.start_server(self._connect, sock=self._listening)
        is_up.set()
        await self._ending.wait()
        self._listening.close()
        self._answers.set()
        while self._connections:
            for connection in self._connections:
                _reset(connection)
            await asyncio.sleep(0.01)

    async def _connect(self, from_client: StreamReader, client: StreamWriter) -> None:
        try:
            from_server, server = await self._call_server()
        except OSError:
            client.transport.abort()
            return
        connection = _Connection(client, server)
        self._connections.add(connection)
        await asyncio.gather(
            self._pass_on(from_client, server, connection, is_answer=False),
            self._pass_on(from_server, client, connection, is_answer=True),
        )
        self._connections.discard(connection)
        if connection.is_dark:  # neither end was closed
            for end in (client, server):
                end.transport.abort()

    async def _call_server(self) -> tuple[StreamReader, StreamWriter]:
        if isinstance(self._server, int):
            return await asyncio.open_connection("127.0.0.1", self._server)
        return await asyncio.open_unix_connection(str(self._server))

    async def _pass_on(
        self,
        source: StreamReader,
        target: StreamWriter,
        connection: _Connection,
        *,
        is_answer: bool,
    ) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                if connection.is_dark:
                    continue
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                if is_answer:
                    await self._answers.wait()
                target.write(data)
                await target.drain()
        if not connection.is_dark:
            target.close()


def _darken(connection: _Connection) -> None:
    connection.is_dark = True


def _reset(connection: _Connection) -> None:
    for end in (connection.client, connection.server):
        line = end.get_extra_info("socket")
        with suppress(OSError):
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        end.transport.abort()
