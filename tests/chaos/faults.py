"""What may befall a site: each fault strikes, lets some time pass, and is healed.

A fault is a generator: up to its first `yield` it strikes, each `yield` says how many seconds to
let pass, and what follows the last one heals. One that finds nobody to befall yields nothing.
"""

import os
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.site import DOORS, WORKERS, Site
from tests.processes import children, freeze, thaw

Course = Iterator[float]


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault, and whom it may befall; nobody suffers two at a time."""

    kind: str
    targets: Sequence[str]
    befall: Callable[[Site, str], Course]


FAULTS: list[Fault] = []


def _befalls(*targets: str) -> Callable[[Callable[[Site, str], Course]], None]:
    def enlist(befall: Callable[[Site, str], Course]) -> None:
        FAULTS.append(Fault(befall.__name__, targets, befall))

    return enlist


@_befalls(*WORKERS)
def worker_child_killed(site: Site, name: str) -> Course:
    """The process that settles dies; its worker forks another."""
    for child in children(site.pid(name)):
        _send(child, signal.SIGKILL)
    yield 1


@_befalls(*WORKERS)
def worker_killed(site: Site, name: str) -> Course:
    site.plant.kill(name)
    yield site.between(0.2, 2)
    site.start(name)


@_befalls(*WORKERS)
def worker_stopped(site: Site, name: str) -> Course:
    """A restart in good order, as at a deploy."""
    yield from _stopped(site, name)


@_befalls(*WORKERS)
def worker_frozen(site: Site, name: str) -> Course:
    still = freeze(site.pid(name))
    yield site.between(1, 8)
    thaw(still)


@_befalls(*WORKERS)
def worker_frozen_then_killed(site: Site, name: str) -> Course:
    """What the broker gave to its sockets meanwhile is lost with it."""
    freeze(site.pid(name))
    yield site.between(1, 3)
    site.plant.kill(name)
    site.start(name)


@_befalls(*DOORS)
def web_killed(site: Site, name: str) -> Course:
    site.plant.kill(name)
    yield site.between(0.2, 2)
    site.start(name)


@_befalls(*DOORS)
def web_stopped(site: Site, name: str) -> Course:
    yield from _stopped(site, name)


@_befalls(*DOORS)
def web_frozen(site: Site, name: str) -> Course:
    still = freeze(site.pid(name))
    yield site.between(1, 4)
    thaw(still)


@_befalls("beat")
def beat_killed(site: Site, name: str) -> Course:
    site.plant.kill(name)
    yield site.between(0.5, 10)
    site.start(name)


@_befalls("second beat")
def second_beat(site: Site, name: str) -> Course:
    """Two clocks tick for a while."""
    site.plant.start_beat(name)
    yield site.between(4, 8)
    site.plant.kill(name)


@_befalls("redis")
def redis_frozen(site: Site, _: str) -> Course:
    still = freeze(site.plant.redis.pid)
    yield site.between(1, 6)
    thaw(still)


@_befalls("redis")
def redis_lost(site: Site, _: str) -> Course:
    """Killed, and back with nothing."""
    site.plant.redis.kill()
    yield site.between(0.2, 4)
    shutil.rmtree(site.plant.folder / "redis" / "appendonlydir", ignore_errors=True)
    site.plant.redis.start()


@_befalls("redis")
def redis_flushed(site: Site, _: str) -> Course:
    site.redis.flushall()
    yield 0.1


@_befalls("redis")
def broker_garbage(site: Site, _: str) -> Course:
    """Bytes that are no message, where the next message is expected; a worker exits of it."""
    site.redis.rpush("incasso:money", b"\xff\x00 no message")
    yield 0.1


@_befalls("redis")
def broker_unknown_task(site: Site, _: str) -> Course:
    """A message as the next version would send it."""
    message = (
        b'{"body": "W1tdLCB7fSwge31d", "content-encoding": "utf-8", "content-type":'
        b' "application/json", "headers": {"lang": "py", "task": "events.of_tomorrow", "id": "1",'
        b' "root_id": "1"}, "properties": {"correlation_id": "1", "delivery_mode": 2,'
        b' "delivery_info": {"exchange": "incasso", "routing_key": "money"}, "priority": 0,'
        b' "body_encoding": "base64", "delivery_tag": "1"}}'
    )
    site.redis.rpush("incasso:money", message)
    yield 0.1


@_befalls("postgres")
def postgres_frozen(site: Site, _: str) -> Course:
    still = freeze(site.plant.postgres.pid)
    yield site.between(1, 5)
    thaw(still)


@_befalls("postgres")
def postgres_killed(site: Site, _: str) -> Course:
    """As a power cut: the postmaster and everyone it had started."""
    still = freeze(site.plant.postgres.pid)
    for pid in still[1:]:
        _send(pid, signal.SIGKILL)
    site.plant.postgres.kill()
    yield site.between(0.2, 2)
    site.plant.postgres.start()


@_befalls("postgres")
def postgres_restarted(site: Site, _: str) -> Course:
    site.plant.postgres.stop()
    yield site.between(0.1, 0.5)
    site.plant.postgres.start()


@_befalls("postgres")
def backend_killed(site: Site, _: str) -> Course:
    """One session dies badly: the server throws out all of them and recovers."""
    sessions = _sessions(site)
    if sessions:
        _send(site.rng.choice(sessions), signal.SIGKILL)
        yield 1


@_befalls("postgres")
def sessions_ended(site: Site, _: str) -> Course:
    """As by an administrator: every session, wherever it stands."""
    sessions = _sessions(site)
    for pid in sessions:
        _send(pid, signal.SIGTERM)
    if sessions:
        yield 0.1


@_befalls("postgres")
def backend_frozen(site: Site, _: str) -> Course:
    """One session stands still, with every lock it holds."""
    sessions = _sessions(site)
    if sessions:
        still = freeze(site.rng.choice(sessions))
        yield site.between(1, 5)
        thaw(still)


@_befalls("database", "broker", "door")
def wire_cut(site: Site, name: str) -> Course:
    if site.wires[name].cut():
        yield 0.1


@_befalls("database", "broker")
def wire_flapping(site: Site, name: str) -> Course:
    for _ in range(6):
        site.wires[name].cut()
        yield 0.5


@_befalls("database", "broker", "door")
def wire_half_open(site: Site, name: str) -> Course:
    """Every connection there is falls silent for good, and nobody is told."""
    if site.wires[name].darken():
        yield 0.1


@_befalls("database", "broker", "door")
def wire_slow(site: Site, name: str) -> Course:
    site.wires[name].delay_seconds = site.between(0.02, 0.3)
    yield site.between(1, 4)
    site.wires[name].delay_seconds = 0.0


_GRACE_SECONDS = 40.0  # what a supervisor gives a worker


def _stopped(site: Site, name: str) -> Course:
    site.plant.ask_to_stop(name)
    left = _GRACE_SECONDS
    while site.plant.is_running(name) and left > 0:
        left -= 0.1
        yield 0.1
    site.plant.kill(name)
    site.start(name)


def _sessions(site: Site) -> list[int]:
    """The processes of the server that work for somebody."""
    found = []
    for pid in children(site.plant.postgres.pid):
        with suppress(OSError):
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"postgres: incasso incasso"):
                found.append(pid)
    return found


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
