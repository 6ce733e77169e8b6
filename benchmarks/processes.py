"""The processes under load, started as production starts them, and what they cost."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from celery import Celery

from benchmarks import cpu
from benchmarks.ground import SECRET
from benchmarks.stores import Stores
from cli.embedded.tether import tethered
from domain.errors import Refused
from runtime.settings import environment
from workers.app import app

ROOT = Path(__file__).parent.parent
WORKERS = {"money": "money,sweep", "all": "money,network,reminders,sweep"}

_PATIENCE_SECONDS = 120.0


class Processes:
    """What runs on one database; every process leads a group of its own."""

    def __init__(self, stores: Stores, dsn: str) -> None:
        self._stores = stores
        self._dsn = dsn
        self._groups: dict[str, list[subprocess.Popen[bytes]]] = {}
        self.broker_url = stores.broker_url
        self.port = free_port()

    def start_web(self) -> None:
        """The intake, as `incasso serve webhooks`."""
        self.start("web", "-m", "cli.main", "serve", "webhooks", "--port", str(self.port))

    def start_workers(self) -> None:
        """Both Celery workers."""
        for name, queues in WORKERS.items():
            address = ("-n", worker_address(name), "-Q", queues)
            manners = ("-c", "1", "-E", "-l", "info", "--without-gossip", "--without-mingle")
            self.start("worker", "-m", "celery", "-A", "workers.app", "worker", *address, *manners)

    def await_web(self) -> None:
        """Returns when the intake is ready."""
        until(lambda: answers(self.port, "/readyz"), "the web to be ready")

    def await_workers(self) -> None:
        """Returns when both workers answer."""
        addresses = [worker_address(name) for name in WORKERS]
        control = celery(self._stores).control
        until(
            lambda: len(control.ping(destination=addresses, timeout=0.5)) == len(addresses),
            "the workers to answer",
        )

    def start_beat(self) -> None:
        """The clockwork."""
        schedule = ("-s", str(self._stores.folder / "beat-schedule"), "--pidfile=")
        self.start("beat", "-m", "celery", "-A", "workers.app", "beat", *schedule)

    def start(self, group: str, *arguments: str, **variables: str) -> "subprocess.Popen[bytes]":
        """Starts a Python program, with the settings of this database."""
        process = subprocess.Popen(
            tethered([sys.executable, *arguments], farewell=signal.SIGTERM),
            env=environment(**self._variables(), **variables),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=(log := (self._stores.folder / f"{group}.log").open("ab")),
            stderr=log,
            start_new_session=True,
        )
        log.close()
        self._groups.setdefault(group, []).append(process)
        return process

    def cpu_seconds(self) -> Mapping[str, float]:
        """Processor seconds of every group and of the stores, so far."""
        groups = {name: [process.pid for process in group] for name, group in self._groups.items()}
        stores = {"postgres": [self._stores.postgres.pid], "redis": [self._stores.redis.pid]}
        return cpu.seconds({**groups, **stores})

    def stop(self) -> None:
        """Ends everything: in good order, and by force when that takes too long."""
        everyone = [process for group in self._groups.values() for process in group]
        for process in everyone:
            process.send_signal(signal.SIGTERM)
        for process in everyone:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._groups.clear()

    def _variables(self) -> Mapping[str, str]:
        return {
            "DATABASE_URL": self._dsn,
            "BROKER_URL": self._stores.broker_url,
            "LOCAL_DIR": str(self._stores.folder),
            "METRICS_PORT": str(free_port()),
            "STRIPE_WEBHOOK_SECRETS": SECRET,
            "SECRET_KEY": "0" * 64,
            "REMAP_SIGTERM": "SIGQUIT",
            "PYTHONUNBUFFERED": "1",
        }


@contextmanager
def running(stores: Stores, dsn: str) -> Iterator[Processes]:
    """Processes on one database, ended afterwards."""
    processes = Processes(stores, dsn)
    try:
        yield processes
    finally:
        processes.stop()


def celery(stores: Stores) -> Celery:
    """The product's Celery application, talking to this run's Redis."""
    app.conf.broker_url = stores.broker_url
    return app


def spent(before: Mapping[str, float], after: Mapping[str, float], events: int) -> dict[str, float]:
    """Processor microseconds per event of every group, between two moments."""
    return {
        name: round((after[name] - before[name]) * 1e6 / max(1, events), 1)
        for name in after
        if name in before
    }


def until(holds: Callable[[], bool], what: str, pause_seconds: float = 0.02) -> float:
    """The monotonic moment at which it held; Refused after two minutes."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise Refused("too_slow", f"waited {_PATIENCE_SECONDS:.0f} s for {what}")
        time.sleep(pause_seconds)
    return time.monotonic()


def answers(port: int, path: str) -> bool:
    """Whether a server on this machine answers 200."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def worker_address(name: str) -> str:
    """How a worker is called through the broker."""
    return f"{name}@{socket.gethostname()}"


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def modules(folders: Sequence[Path]) -> str:
    """The PYTHONPATH with these folders first."""
    return os.pathsep.join(map(str, folders))
