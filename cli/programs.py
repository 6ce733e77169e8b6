"""What a run consists of: each child with its work, its words and its time to end."""

import socket
from collections.abc import Mapping
from pathlib import Path

from cli import chores
from cli.child import Command
from cli.embedded.daemon import Store
from cli.nursery import Nursery, Work
from cli.ports import LOOPBACK
from cli.pretend import Pretended

# Celery then ends in two steps: it finishes or hands back what it holds, within the soft shutdown
# time of workers.app, and leaves; the grace must be longer than that time. Read at import.
ENVIRONMENT = {"REMAP_SIGTERM": "SIGQUIT"}
_WORKER_GRACE_SECONDS = 40.0

# A slow gateway keeps one of the two busy at most; settlement goes on in the other.
QUEUES = {"money": "money,sweep", "all": "money,network,reminders,sweep"}


def store(known: Store, environment: Mapping[str, str]) -> Command:
    """An embedded store."""
    return Command(
        name=known.name,
        argv=tuple(known.argv()),
        environment=environment,
        farewell=known.farewell,
        grace_seconds=30.0,
        uid=known.uid,
        prepare=known.prepare,
    )


def web(nursery: Nursery, listening: socket.socket) -> Work:
    """Webhooks and pages."""
    return nursery.program("web", chores.web, listening, grace_seconds=15.0)


def sandbox(nursery: Nursery, listening: socket.socket, told: Pretended) -> Work:
    """The pretend gateways."""
    return nursery.program("sandbox", chores.sandbox, listening, told, grace_seconds=5.0)


def worker(nursery: Nursery, name: str, level: str) -> Work:
    """One Celery worker with one child; `name` says which queues it takes."""
    address = ("--hostname", worker_address(name), "--queues", QUEUES[name])
    manners = ("--concurrency", "1", "--task-events", "--without-gossip", "--without-mingle")
    return nursery.program(
        f"worker-{name}",
        chores.celery,
        *("--quiet", "worker", *address, *manners, "--loglevel", level),
        grace_seconds=_WORKER_GRACE_SECONDS,
    )


def worker_address(name: str) -> str:
    """How a worker is called by Celery's remote control and in Flower."""
    return f"{name}@{socket.gethostname()}"


def beat(nursery: Nursery, local: Path, level: str) -> Work:
    """The clockwork that nudges sweeps and reminders."""
    schedule = ("--schedule", str(local / "beat-schedule"), "--pidfile", "")
    return nursery.program("beat", chores.celery, "--quiet", "beat", *schedule, "--loglevel", level)


def flower(nursery: Nursery, port: int) -> Work:
    """The window on the queues; its login is in the environment."""
    address = (f"--address={LOOPBACK}", f"--port={port}", "--logging=warning")
    return nursery.program("flower", chores.celery, "flower", *address, grace_seconds=5.0)


def ear(nursery: Nursery) -> Work:
    """Listens until every worker has answered."""
    addresses = [worker_address(name) for name in QUEUES]
    return nursery.program("ear", chores.hear_workers, addresses, grace_seconds=1.0)
