"""A child process that is kept alive: started, listened to, started again, ended in order."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from signal import Signals
from typing import Protocol

from cli.embedded.tether import tethered
from cli.stream import Stream

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
_STEADY_SECONDS = 30.0


class Process(Protocol):
    """A process that was started; `returncode` is None while it lives."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    async def wait(self) -> int: ...


class Program(Protocol):
    """What a child runs, and how it is told to end."""

    @property
    def name(self) -> str: ...
    @property
    def farewell(self) -> Signals: ...
    @property
    def grace_seconds(self) -> float: ...
    async def launch(self, output: Connection) -> Process: ...


@dataclass(frozen=True, slots=True)
class Command:
    """A foreign program. `uid` is the account it runs as; None means our own.

    `prepare` makes the ground ready before each start, in a thread of its own.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    farewell: Signals
    grace_seconds: float
    uid: int | None
    prepare: Callable[[], None]

    async def launch(self, output: Connection) -> Process:
        """Starts it, in a process group of its own."""
        await asyncio.to_thread(self.prepare)
        # On the loop's own thread, which lives as long as we do: see `tethered`.
        return await asyncio.create_subprocess_exec(
            *tethered(self.argv, farewell=self.farewell, uid=self.uid),
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output.fileno(),
            stderr=output.fileno(),
            start_new_session=True,
            cwd="/",
        )


class Child:
    """One program and its present process."""

    def __init__(self, program: Program, stream: Stream, changed: Callable[[], None]) -> None:
        self._program = program
        self._stream = stream
        self._changed = changed
        self._process: Process | None = None
        self._carrying: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process; None while there is none."""
        if self._process is None or self._process.returncode is not None:
            return None
        return self._process.pid

    async def run(self) -> int:
        """Runs the program once; answers its exit code."""
        process = await self._spawn()
        return await process.wait()

    async def start(self) -> None:
        """Starts the program and keeps it alive from now on."""
        process = await self._spawn()
        self._keeping = asyncio.create_task(self._keep(process))

    async def stop(self) -> None:
        """Ends it in good order, by force when its grace is over; a no-op when it never ran."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait({self._keeping})
        if self._process is not None:
            await self._end(self._process)

    def give_up(self) -> None:
        """Ends it at once, for good."""
        if self._keeping is not None:
            self._keeping.cancel()
        self._kill()

    def _kill(self) -> None:
        """Ends it, and whatever it had started."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _spawn(self) -> Process:
        # A pipe of our own: asyncio's would make `wait` wait for whoever else holds its end.
        ours, theirs = Pipe(duplex=False)
        self._carrying = asyncio.create_task(self._stream.carry(self._program.name, ours))
        with theirs:
            self._process = await self._program.launch(theirs)
        self._changed()
        return self._process

    async def _keep(self, process: Process) -> None:
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE_SECONDS
        while True:
            started = loop.time()
            code = await process.wait()
            self._kill()
            self._changed()
            if loop.time() - started > _STEADY_SECONDS:
                pause = _FIRST_PAUSE_SECONDS
            self._stream.say(f"{self._program.name} ended ({code}); again in {pause:.0f} s")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            process = await self._spawn()

    async def _end(self, process: Process) -> None:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(process.pid, self._program.farewell)
        try:
            await asyncio.wait_for(process.wait(), self._program.grace_seconds)
        except TimeoutError:
            self._stream.say(f"{self._program.name} does not end; ending it by force")
        self._kill()
        await process.wait()
        if self._carrying is not None:
            await asyncio.wait({self._carrying}, timeout=1)
