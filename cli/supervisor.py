"""The story of one run: everything started in order, kept alive, and ended in order."""

import asyncio
import signal
import socket
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from cli import greeting, groundwork, programs, readiness, state
from cli.child import Program
from cli.crew import Crew
from cli.embedded.daemon import Store
from cli.embedded.postgres import Postgres
from cli.embedded.redis import Redis
from cli.ports import LOOPBACK, free_port, listen, port_of
from cli.state import State
from cli.stream import Stream
from domain.errors import Refused
from runtime.settings import Settings, environment

# Told to every child but the stores, so that a later start knows its own by it.
MARK = "INCASSO_UP"

_STORES_SECONDS = 60.0
_READY_SECONDS = 90.0
_WORKERS = tuple(f"worker-{name}" for name in programs.QUEUES)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where this run listens."""

    web: int
    metrics: int
    flower: int


class Supervisor:
    """One run. `local` is ours alone while it lasts; `given` are the settings it starts with."""

    def __init__(self, local: Path, given: Settings, stream: Stream) -> None:
        self._local = local
        self._given = given
        self._stream = stream
        self._crew = Crew(stream, self._tell)
        self._stopping = asyncio.Event()
        self._told: State | None = None

    async def run(self) -> None:
        """Returns when somebody asked to stop and everything has ended."""
        self._heed_signals()
        with listen(self._given.port) as listening:
            rising = asyncio.create_task(self._rise(listening))
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

    async def _rise(self, listening: socket.socket) -> None:
        addresses = await self._open_stores()
        ports = Ports(
            web=port_of(listening),
            metrics=free_port(self._given.metrics_port),
            flower=free_port(self._given.flower_port),
        )
        variables = {
            **addresses,
            "BASE_URL": self._base_url(ports),
            "METRICS_PORT": str(ports.metrics),
        }
        groundwork.announce(self._local, variables)
        await asyncio.to_thread(groundwork.lay)
        await self._open_doors(listening, ports, variables)
        self._told = self._state(ports, addresses["DATABASE_URL"])
        self._tell()
        self._stream.say(
            greeting.box(self._told, self._flower_login, in_colour=self._stream.in_colour)
        )

    async def _open_stores(self) -> dict[str, str]:
        """Starts the stores that nobody has given; answers where both are."""
        database, broker = self._given.database_url, self._given.broker_url
        stores: list[Store] = []
        if database is None:
            stores.append(postgres := Postgres(self._local / "pg"))
            database = postgres.dsn()
        if broker is None:
            stores.append(redis := Redis(self._local / "redis"))
            broker = redis.url
        await self._crew.start(*(programs.store(known, environment()) for known in stores))
        answers = {known.name: readiness.until(known.is_ready) for known in stores}
        await self._in_time(_STORES_SECONDS, answers)
        return {"DATABASE_URL": database, "BROKER_URL": broker}

    async def _open_doors(
        self, listening: socket.socket, ports: Ports, variables: Mapping[str, str]
    ) -> None:
        """Starts what works on the stores; returns when all of it answers."""
        marks = {"LOCAL_DIR": str(self._local), MARK: str(self._local), "PYTHONUNBUFFERED": "1"}
        surroundings = environment(**variables, **marks)
        level = self._given.log_level
        workers = (programs.worker(name, level, surroundings) for name in programs.QUEUES)
        await self._crew.start(
            programs.web(listening, surroundings),
            *workers,
            programs.beat(self._local, level, surroundings),
        )
        flower = programs.flower(ports.flower, self._flower_login, level, surroundings)
        answers = {
            "web": readiness.until(partial(readiness.answers, ports.web, "/readyz")),
            "worker": self._open_window(flower, ports),
        }
        await self._in_time(_READY_SECONDS, answers)

    async def _open_window(self, flower: Program, ports: Ports) -> None:
        # Flower asks the workers who they are when it starts, and shows what it heard then.
        addresses = [programs.worker_address(name) for name in programs.QUEUES]
        await readiness.until(partial(readiness.workers_answer, addresses))
        await self._crew.start(flower)
        await readiness.until(partial(readiness.answers, ports.flower, "/healthcheck"))

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
            logs = self._local / "logs"
            raise Refused("not_ready", f"no answer in {seconds:.0f} s from {names}; see {logs}")

    async def _descend(self) -> None:
        told, self._told = self._told, None
        await self._crew.stop("web", "beat", "flower")
        await self._crew.stop(*_WORKERS)
        await self._crew.stop("redis")
        await self._crew.stop("postgres")
        groundwork.withdraw(self._local)
        if told is not None:
            self._stream.say("Stopped.")

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup leaves it
                loop.add_signal_handler(number, self._stop)

    def _stop(self) -> None:
        if self._stopping.is_set():
            self._crew.kill()
            return
        self._stream.say("Stopping in order; Ctrl-C again to force.")
        self._stopping.set()

    def _tell(self) -> None:
        """Keeps `state.json` true from the moment all is ready."""
        if self._told is not None:
            now = replace(self._told, processes=self._processes())
            state.write(self._local / groundwork.STATE_FILE, now)

    def _state(self, ports: Ports, database: str) -> State:
        token = self._given.api_token
        assert token is not None
        return State(
            web=f"http://{LOOPBACK}:{ports.web}",
            flower=f"http://{LOOPBACK}:{ports.flower}",
            mailbox=None,
            metrics=f"http://{LOOPBACK}:{ports.metrics}/metrics",
            api_token=token.get_secret_value(),
            console=None,
            database=database,
            processes={},
        )

    def _processes(self) -> dict[str, int | list[int] | None]:
        pids = self._crew.pids
        workers = [pid for name in _WORKERS if (pid := pids.get(name)) is not None]
        one = {name: pids.get(name) for name in ("web", "beat", "flower", "postgres", "redis")}
        return {**one, "worker": workers}

    def _base_url(self, ports: Ports) -> str:
        told = "base_url" in self._given.model_fields_set
        return self._given.base_url if told else f"http://{LOOPBACK}:{ports.web}"

    @property
    def _flower_login(self) -> str:
        assert self._given.flower_basic_auth is not None
        return self._given.flower_basic_auth.get_secret_value()
