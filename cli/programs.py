"""What the supervisor runs: the command line, environment and farewell of each child."""

import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from cli.child import Program
from cli.embedded.daemon import Store
from cli.ports import LOOPBACK

# Celery then ends in two steps: it finishes or hands back what it holds, within the soft shutdown
# time of workers.app, and leaves; the grace must be longer than that time.
_WORKER_ENVIRONMENT = {"REMAP_SIGTERM": "SIGQUIT"}
_WORKER_GRACE_SECONDS = 40.0

# A slow gateway keeps one of the two busy at most; settlement goes on in the other.
QUEUES = {"money": "money,sweep", "all": "money,network,reminders,sweep"}


def store(known: Store, environment: Mapping[str, str]) -> Program:
    """An embedded store."""
    return Program(
        name=known.name,
        argv=tuple(known.argv()),
        environment=environment,
        farewell=known.farewell,
        grace_seconds=30.0,
        uid=known.uid,
        prepare=known.prepare,
    )


def web(listening: socket.socket, environment: Mapping[str, str]) -> Program:
    """Webhooks and pages, on a socket that stays open while the program is started again."""
    descriptor = listening.fileno()
    return Program(
        name="web",
        argv=(sys.executable, "-m", "cli.main", "serve", "--fd", str(descriptor)),
        environment=environment,
        grace_seconds=15.0,
        descriptors=(descriptor,),
    )


def worker(name: str, level: str, environment: Mapping[str, str]) -> Program:
    """One Celery worker with one child; `name` says which queues it takes."""
    options = ("-n", worker_address(name), "-Q", QUEUES[name], "-c", "1", "-E", "-l", level)
    return Program(
        name=f"worker-{name}",
        argv=_celery("worker", *options, "--without-gossip", "--without-mingle"),
        environment={**environment, **_WORKER_ENVIRONMENT},
        grace_seconds=_WORKER_GRACE_SECONDS,
    )


def worker_address(name: str) -> str:
    """How a worker is called by Celery's remote control and in Flower."""
    return f"{name}@{socket.gethostname()}"


def beat(local: Path, level: str, environment: Mapping[str, str]) -> Program:
    """The clockwork that nudges sweeps and reminders."""
    schedule = str(local / "beat-schedule")
    return Program(
        name="beat",
        argv=_celery("beat", "-s", schedule, "--pidfile=", "-l", level),
        environment=environment,
    )


def flower(port: int, login: str, level: str, environment: Mapping[str, str]) -> Program:
    """The window on the queues. Its login goes by the environment: `ps` shows command lines."""
    address = (f"--address={LOOPBACK}", f"--port={port}")
    return Program(
        name="flower",
        argv=_celery("flower", *address, f"--logging={level}"),
        environment={**environment, "FLOWER_BASIC_AUTH": login},
        grace_seconds=5.0,
    )


def _celery(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "celery", "-A", "workers.app", *arguments)
