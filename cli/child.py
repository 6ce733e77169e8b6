"""A child process that is kept alive: started, listened to, started again, ended in order."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from signal import Signals

from cli.embedded.tether import tethered
from cli.stream import Stream

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
_STEADY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Program:
    """What a child runs. `uid` is the account it runs as; None means our own.

    `prepare` makes the ground ready before each start, in a thread of its own.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    farewell: Signals = signal.SIGTERM
    grace_seconds: float = 10.0
    uid: int | None = None
    descriptors: tuple[int, ...] = ()
    prepare: Callable[[], None] = lambda: None


class Child:
    """One program and its present process."""

    def __init__(self, program: Program, stream: Stream, changed: Callable[[], None]) -> None:
        self.program = program
        self._stream = stream
        self._changed = changed
        self._process: asyncio.subprocess.Process | None = None
        self._carrying: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process; None while there is none."""
        alive = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and alive else None

    async def start(self) -> None:
        """Starts the program and keeps it alive from now on."""
        await self._spawn()
        self._keeping = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Ends it in good order, by force when its grace is over; a no-op when it never ran."""
        if self._keeping is None:
            return
        self._keeping.cancel()
        with suppress(asyncio.CancelledError):
            await self._keeping
        await self._end()

    def kill(self) -> None:
        """Ends it at once, and whatever it had started."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _spawn(self) -> None:
        await asyncio.to_thread(self.program.prepare)
        # A pipe of our own: asyncio's would make `wait` wait for whoever else holds its end.
        ours, theirs = os.pipe()
        self._carrying = asyncio.create_task(self._stream.carry(self.program.name, ours))
        try:
            self._process = await self._launched(theirs)
        finally:
            os.close(theirs)
        self._changed()

    async def _launched(self, output: int) -> asyncio.subprocess.Process:
        program = self.program
        # On the loop's own thread, which lives as long as we do: see `tethered`.
        return await asyncio.create_subprocess_exec(
            *tethered(program.argv, farewell=program.farewell, uid=program.uid),
            env=program.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=program.descriptors,
            start_new_session=True,
        )

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE_SECONDS
        while True:
            started = loop.time()
            assert self._process is not None
            code = await self._process.wait()
            self.kill()
            self._changed()
            if loop.time() - started > _STEADY_SECONDS:
                pause = _FIRST_PAUSE_SECONDS
            self._stream.say(f"{self.program.name} ended ({code}); again in {pause:.0f} s")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            await self._spawn()

    async def _end(self) -> None:
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(self.program.farewell)
        try:
            await asyncio.wait_for(self._process.wait(), self.program.grace_seconds)
        except TimeoutError:
            self._stream.say(f"{self.program.name} does not end; ending it by force")
        self.kill()
        await self._process.wait()
        if self._carrying is not None:
            await asyncio.wait({self._carrying}, timeout=1)
