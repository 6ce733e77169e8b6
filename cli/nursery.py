"""Where our own processes are born: one process imports everything once and forks for each.

Importing is most of what a start costs; five children that each import the same would take
longer than everything else together, and five times the memory. A child that dies is back at
once, too.
"""

import asyncio
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from signal import Signals
from typing import Any

from cli import endings
from cli.child import Process
from cli.embedded.tether import tie

# What the children would import; what is missing here, they import themselves.
SHARED = (
    "cli.cradle",
    "celery.__main__",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.concurrency.prefork",
    "cli.demo",
    "flower.app",
    "flower.command",
    "kombu.transport.redis",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
    "web.app",
    "webhooks.app",
    "workers.errands",
    "workers.events",
    "workers.reminders",
)


# Longer than a worker's soft shutdown, so that only one that is stuck is ended so.
_ORPHAN_SECONDS = 30.0


class Nursery:
    """Forks children, one at a time, from a process that starts with the first of them.

    They share the environment this process has at that moment.
    """

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(SHARED))
        self._turn = asyncio.Lock()

    def open(self) -> None:
        """Begins to import, in the background."""
        forkserver.ensure_running()

    def close(self) -> None:
        """Ends the nursery, when all its children have ended.

        It would end by itself with us, but then as a zombie where nobody inherits the dead.
        """
        forkserver._forkserver._stop()  # type: ignore[attr-defined] # the only door there is
        resource_tracker._resource_tracker._stop()  # type: ignore[attr-defined] # it came along

    def program(
        self, name: str, work: Callable[..., object], *given: object, grace_seconds: float = 10.0
    ) -> "Work":
        """A child that does `work(*given)`."""
        return Work(name, work, given, grace_seconds, self)

    async def bear(self, program: "Work", output: Connection) -> "Born":
        """Forks a child. On another thread: the first one waits for all the imports."""
        process = self._context.Process(
            target=_live, args=(program.name, output, program.work, program.given)
        )
        async with self._turn:
            starting = asyncio.create_task(asyncio.to_thread(process.start))
            try:
                await asyncio.shield(starting)
            except asyncio.CancelledError:
                await starting
                process.kill()
                raise
        return Born(process)


@dataclass(frozen=True, slots=True)
class Work:
    """A program that is a function of ours."""

    name: str
    work: Callable[..., object]
    given: tuple[object, ...]
    grace_seconds: float
    nursery: Nursery
    farewell: Signals = signal.SIGTERM

    async def launch(self, output: Connection) -> Process:
        """Starts it, in a process group of its own."""
        return await self.nursery.bear(self, output)


class Born:
    """A forked child, as asyncio shows an executed one."""

    def __init__(self, process: ForkServerProcess) -> None:
        assert process.pid is not None
        self.pid = process.pid
        self._process = process

    @property
    def returncode(self) -> int | None:
        """None while it lives."""
        return self._process.exitcode

    async def wait(self) -> int:
        """Its exit code, when it has ended."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        sentinel = self._process.sentinel
        loop.add_reader(sentinel, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(sentinel)
        self._process.join()
        assert self._process.exitcode is not None
        return self._process.exitcode


def _live(name: str, output: Connection, work: Callable[..., Any], given: tuple[Any, ...]) -> None:
    """The life of a child, told to end when the nursery does."""
    os.setsid()
    tie(signal.SIGTERM, name=f"incasso-{name}")
    threading.Thread(target=_end_an_orphan, args=(os.getppid(),), daemon=True).start()
    with output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())
    with endings.plain():
        work(*given)


def _end_an_orphan(nursery: int) -> None:
    """Ends this process for good when it was told to end, its nursery being gone, and has not."""
    while os.getppid() == nursery:
        time.sleep(1)
    time.sleep(_ORPHAN_SECONDS)
    os._exit(1)
