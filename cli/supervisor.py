"""The story of one run: everything started in order, kept alive, and ended in order."""

import asyncio
import signal
import socket
import time
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from functools import partial
from multiprocessing import Pipe
from pathlib import Path

from pydantic import SecretStr

from cli import announcement, chores, greeting, pretend, programs, readiness, state
from cli.crew import Crew
from cli.nursery import Nursery
from cli.place import Place, choose
from cli.ports import address, listen, port_of
from cli.pretend import Sandbox
from cli.state import State
from cli.stream import Stream
from domain.errors import Refused
from runtime.settings import Settings, adopt, environment

# In the environment of every child but the stores, so that a later start knows its own by it.
MARK = "INCASSO_UP"

_STORES_SECONDS = 60.0
_READY_SECONDS = 90.0
# One wish to stop may arrive twice: from the terminal, and from whoever started us.
_ECHO_SECONDS = 1.0
_SINGLE = ("web", "beat", "flower", "sandbox", "postgres", "redis")
_WORKERS = tuple(f"worker-{name}" for name in programs.QUEUES)


class Supervisor:
    """One run. `local` is ours alone while it lasts; `given` are the settings it starts with."""

    def __init__(self, local: Path, given: Settings, stream: Stream) -> None:
        self._local = local
        self._given = given
        self._stream = stream
        self._crew = Crew(stream, self._tell)
        self._nursery = Nursery()
        self._stopping = asyncio.Event()
        self._told: State | None = None
        self._begun = time.monotonic()
        self._asked_at: float | None = None

    async def run(self) -> None:
        """Returns when somebody asked to stop and everything has ended."""
        self._heed_signals()
        with listen(self._given.port) as listening, pretend.door(self._given) as aside:
            rising = asyncio.create_task(self._rise(listening, aside))
            asked = asyncio.create_task(self._stopping.wait())
            try:
                await asyncio.wait({rising, asked}, return_when=asyncio.FIRST_COMPLETED)
                if not self._stopping.is_set():
                    await rising
                    await asked
            finally:
                rising.cancel()
                asked.cancel()
                await asyncio.gather(rising, asked, return_exceptions=True)
                await self._descend()

    async def _rise(self, listening: socket.socket, aside: socket.socket | None) -> None:
        place = choose(self._local, self._given, port_of(listening))
        sandbox = aside and pretend.plan(
            self._local, self._given, address(port_of(aside)), address(place.web_port)
        )
        stores = [programs.store(store, environment()) for store in place.stores]
        variables = {**place.variables, **(sandbox.variables if sandbox else {})}
        adopt(**variables, **self._marks())
        announcement.announce(self._local, variables)
        self._nursery.open()
        await self._crew.start(*stores)
        answers = {store.name: readiness.until(store.is_ready) for store in place.stores}
        await self._in_time(_STORES_SECONDS, answers)
        if aside and sandbox:
            await self._pretend(aside, sandbox)
        ground = await self._lay_ground()
        await self._open_doors(listening, place)
        self._told = place.state(_said(self._given.api_token), sandbox.url if sandbox else None)
        self._tell()
        self._greet(self._told, ground)

    async def _pretend(self, aside: socket.socket, sandbox: Sandbox) -> None:
        """Before all others of ours: they ask at their start whose word counts."""
        await self._crew.start(programs.sandbox(self._nursery, aside, sandbox.told))
        answer = readiness.until(partial(readiness.answers, port_of(aside), "/"))
        await self._in_time(_READY_SECONDS, {"sandbox": answer})

    async def _lay_ground(self) -> chores.Ground:
        is_ours = self._given.database_url is None
        work = chores.lay_own_ground if is_ours else chores.lay_given_ground
        answer, theirs = Pipe(duplex=False)
        with answer:
            with theirs:
                await self._crew.run(self._nursery.program("ground", work, theirs))
            laid = answer.recv() if answer.poll() else None
        match laid:
            case chores.Ground():
                return laid
            case chores.Refusal(code, detail):
                raise Refused(code, detail)
            case _:
                raise Refused("no_ground", f"the database could not be prepared; see {self._logs}")

    async def _open_doors(self, listening: socket.socket, place: Place) -> None:
        """Starts what works on the stores; returns when all of it answers."""
        level = self._given.log_level
        await self._crew.start(
            programs.web(self._nursery, listening),
            *(programs.worker(self._nursery, name, level) for name in programs.QUEUES),
            programs.beat(self._nursery, self._local, level),
        )
        answers = {
            "web": readiness.until(partial(readiness.answers, place.web_port, "/readyz")),
            "worker and Flower": self._open_window(place.flower_port),
        }
        await self._in_time(_READY_SECONDS, answers)

    async def _open_window(self, port: int) -> None:
        # Flower asks the workers who they are when it starts, and shows what it heard then.
        await self._crew.run(programs.ear(self._nursery))
        await self._crew.start(programs.flower(self._nursery, port))
        await readiness.until(partial(readiness.answers, port, "/healthcheck"))

    async def _in_time(
        self, seconds: float, answers: Mapping[str, Coroutine[None, None, None]]
    ) -> None:
        """Waits for all; Refused, naming those that stay silent, when the time is over."""
        waiting = {asyncio.create_task(answer, name=name) for name, answer in answers.items()}
        if not waiting:
            return
        try:
            done, silent = await asyncio.wait(waiting, timeout=seconds)
            for task in done:
                await task
        finally:
            for task in waiting:
                task.cancel()
        if silent:
            names = ", ".join(sorted(task.get_name() for task in silent))
            raise Refused(
                "not_ready", f"no answer in {seconds:.0f} s from {names}; see {self._logs}"
            )

    async def _descend(self) -> None:
        self._told = None
        await self._crew.stop("ground", "ear", "sandbox", "web", "beat", "flower")
        await self._crew.stop(*_WORKERS)
        self._nursery.close()
        await self._crew.stop("redis")
        await self._crew.stop("postgres")
        announcement.withdraw(self._local)

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup leaves it
            loop.add_signal_handler(signal.SIGHUP, self._stop)

    def _stop(self) -> None:
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
            self._stream.say("Stopping in order; Ctrl-C again to force.")
            self._stopping.set()
        elif now - self._asked_at > _ECHO_SECONDS:
            self._crew.kill()

    def _tell(self) -> None:
        """Keeps `state.json` true from the moment all is ready."""
        if self._told is not None:
            now = replace(self._told, processes=self._processes())
            state.write(self._local / announcement.STATE_FILE, now)

    def _processes(self) -> dict[str, int | list[int] | None]:
        pids = self._crew.pids
        workers = [pid for name in _WORKERS if (pid := pids.get(name)) is not None]
        one = {name: pids.get(name) for name in _SINGLE}
        return {**one, "worker": workers}

    def _marks(self) -> Mapping[str, str]:
        """What every child of ours is started with, whatever the place."""
        return {
            **programs.ENVIRONMENT,
            "LOCAL_DIR": str(self._local),
            "FLOWER_BASIC_AUTH": _said(self._given.flower_basic_auth),
            "PYTHONUNBUFFERED": "1",
            MARK: str(self._local),
        }

    def _greet(self, told: State, ground: chores.Ground) -> None:
        seconds = time.monotonic() - self._begun
        login = _said(self._given.flower_basic_auth)
        box = greeting.Box(told, login, ground.invoice, seconds)
        self._stream.say(box.drawn(in_colour=self._stream.in_colour))

    @property
    def _logs(self) -> Path:
        return self._local / "logs"


def _said(secret: SecretStr | None) -> str:
    # `keys.complete` has made up those that nobody had set.
    assert secret is not None
    return secret.get_secret_value()
