"""A whole installation of real processes, each of which a story may stop, kill and start again."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from cli.embedded.daemon import Daemon
from cli.embedded.postgres import Postgres
from cli.embedded.redis import Redis
from cli.embedded.tether import tethered
from cli.programs import ENVIRONMENT
from ledger import migrations
from ledger.store import Store
from runtime.settings import environment
from tests import stripe_events
from tests.desk import Desk

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60.0
SECRET_KEY = "0" * 64
ALL_QUEUES = "money,sweep,network,reminders"


def free_port() -> int:
    """Below those that the system lends to callers: one who calls a dead door must not get it."""
    while True:
        port = random.SystemRandom().randrange(15_000, 32_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port


@dataclass(slots=True)
class Plant:
    """Stores, web, two workers and beat in a folder of their own."""

    folder: Path
    postgres: Daemon = field(init=False)
    redis: Daemon = field(init=False)
    postgres_dsn: str = field(init=False)
    dsn: str = field(init=False)
    broker: str = field(init=False)
    doors: dict[str, int] = field(default_factory=lambda: {"web": free_port()})
    metrics_port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def open(self) -> Desk:
        """Starts the stores and brings the schema; answers a desk that knows the database.

        Who wants a wire in between changes `dsn` and `broker` afterwards.
        """
        home = Postgres(self.folder / "pg")
        cache = Redis(self.folder / "redis")
        self.postgres = Daemon(home, self.folder / "postgres.log")
        self.redis = Daemon(cache, self.folder / "redis.log")
        self.postgres.start()
        self.redis.start()
        self.postgres_dsn = self.dsn = home.dsn()
        self.broker = cache.url
        store = Store(self.dsn)
        migrations.upgrade(store)
        return Desk(store)

    def close(self) -> None:
        for name in list(self.processes):
            self.kill(name)
        self.redis.kill()
        self.postgres.stop()

    def start_all(self) -> None:
        self.start_web()
        self.start_worker("money")
        self.start_beat()
        self.wait_for(self.is_web_ready, "the web")

    @property
    def port(self) -> int:
        return self.doors["web"]

    def start_web(
        self, name: str = "web", dsn: str | None = None, part: str = "webhooks", **variables: str
    ) -> None:
        port = self.doors.setdefault(name, free_port())
        argv = ("-m", "cli.main", "serve", part, "--port", str(port))
        self._start(name, *argv, dsn=dsn, **variables)

    def start_worker(
        self,
        name: str,
        queues: str = ALL_QUEUES,
        configuration: Sequence[str] = (),
        **variables: str,
    ) -> None:
        """`configuration` are settings of Celery's, as `task.time_limit=6`."""
        argv = ("-m", "celery", "-A", "workers.app", "worker", "-n", f"{name}@story", "-Q", queues)
        manners = ("-c", "1", "-E", "--without-gossip", "--without-mingle")
        self._start(name, *argv, *manners, "--", *configuration, **variables)

    def start_beat(self, name: str = "beat") -> None:
        schedule = str(self.folder / name)
        self._start(name, "-m", "celery", "-A", "workers.app", "beat", "-s", schedule, "--pidfile=")

    def kill(self, name: str) -> None:
        """As a power cut does, children included: each process leads a group of its own."""
        process = self.processes.pop(name)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def ask_to_stop(self, name: str) -> None:
        """As a supervisor does; whoever is asked takes the time it needs."""
        self.processes[name].terminate()

    def is_running(self, name: str) -> bool:
        return self.processes[name].poll() is None

    def post(self, body: bytes, timeout_seconds: float = 10.0) -> int:
        """Delivers an event; answers the status."""
        response = httpx.post(
            f"http://127.0.0.1:{self.port}/webhooks/stripe",
            content=body,
            headers=stripe_events.signed(body),
            timeout=timeout_seconds,
        )
        return response.status_code

    def post_all(self, bodies: Iterable[bytes], hands: int = 20) -> list[int]:
        """Delivers many at once."""
        with ThreadPoolExecutor(hands) as pool:
            return list(pool.map(self.post, bodies))

    def is_web_ready(self, name: str = "web") -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.doors[name]}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def wait_for(
        self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS
    ) -> float:
        """How many seconds it took to hold; fails when the time is over."""
        began = time.monotonic()
        while not condition():
            assert time.monotonic() - began < seconds, f"{what}: not within {seconds:.0f} s"
            time.sleep(0.05)
        return time.monotonic() - began

    def wait_until_settled(self, desk: Desk) -> float:
        return self.wait_for(
            lambda: desk.query("SELECT count(*) FROM inbox WHERE state = 'received'") == [(0,)],
            "settling",
        )

    def _start(self, name: str, *arguments: str, dsn: str | None = None, **variables: str) -> None:
        own = environment(
            LOCAL_DIR=str(self.folder),
            DATABASE_URL=dsn or self.dsn,
            BROKER_URL=self.broker,
            METRICS_PORT=str(self.metrics_port),
            STRIPE_WEBHOOK_SECRETS=stripe_events.SECRET,
            SECRET_KEY=SECRET_KEY,
            **ENVIRONMENT,
            **variables,
        )
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                tethered([sys.executable, *arguments], farewell=signal.SIGKILL),
                env=own,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
