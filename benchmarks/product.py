"""Incasso itself: intake alone, settling alone, both together, and one event on an idle machine."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks import ground, load, processes
from benchmarks.ground import Ground
from benchmarks.processes import Processes
from benchmarks.stores import Stores
from domain.errors import Refused
from ledger.books import audit
from ledger.store import Store
from workers.nudges import Nudges

Figures = Mapping[str, Any]

# More than any machine we know of takes in; what is not sent costs nothing but memory.
MOST_PER_SECOND = 16_000
_BACKLOG = 20_000
_TINY_PAUSE_SECONDS = 0.001
_UNCOUNTED_SINGLES = 3


@dataclass(frozen=True, slots=True)
class Bench:
    """What every candidate is given. `seconds` it is measured, after `warm_seconds` that do not
    count."""

    stores: Stores
    ground: Ground
    seconds: float
    warm_seconds: float
    backlog: int = _BACKLOG
    singles: int = 12

    @property
    def numbers(self) -> range:
        """The events that may arrive."""
        return range(self.ground.first, self.ground.numbers)


def intake(bench: Bench) -> Figures:
    """How many deliveries a second are kept and acknowledged, workers off."""
    with bench.stores.clone("intake") as dsn, processes.running(bench.stores, dsn) as running:
        running.start_web()
        running.await_web()
        with load.senders(bench.ground.series, bench.numbers, running.port) as senders:
            senders.send(bench.warm_seconds)
            before, spent = _kept(bench, "intake"), running.cpu_seconds()
            seen = senders.send(bench.seconds)
            cpu = processes.spent(spent, running.cpu_seconds(), seen.accepted)
        kept = _kept(bench, "intake") - before
        _same(kept, seen, "rows kept")
        return {"per_s": kept / seen.seconds, "cpu": cpu, **_accepting(seen)}


def settle(bench: Bench) -> Figures:
    """How many events a second two workers settle from an inbox that is full, nothing arriving."""
    with bench.stores.clone("settle") as dsn, processes.running(bench.stores, dsn) as running:
        running.start_workers()
        running.await_workers()
        first = bench.numbers.start
        _drain(bench, "settle", range(first, first + bench.backlog // 20))
        waiting = range(first + bench.backlog // 20, first + bench.backlog * 21 // 20)
        ground.put(bench.stores, "settle", bench.ground, waiting)
        bench.stores.settle_down("settle")
        with bench.stores.connect("settle") as watching:
            before, began = running.cpu_seconds(), time.monotonic()
            _nudge(bench)
            ended = processes.until(lambda: _is_settled(watching), "the backlog to be settled")
        cpu = processes.spent(before, running.cpu_seconds(), len(waiting))
        return {
            "per_s": len(waiting) / (ended - began),
            "cpu": cpu,
            "differences": differences(dsn),
        }


def end_to_end(bench: Bench) -> Figures:
    """Events settled, over the time from the first post until the last one is settled."""
    with bench.stores.clone("whole") as dsn, processes.running(bench.stores, dsn) as running:
        _start_all(running)
        sender = load.senders(bench.ground.series, bench.numbers, running.port)
        with sender as senders, bench.stores.connect("whole") as watching:
            senders.send(bench.warm_seconds)
            processes.until(lambda: _is_settled(watching), "the warm-up to be settled")
            before, batches = _done(bench, "whole"), _batches(bench, "whole")
            spent = running.cpu_seconds()
            seen = senders.send(bench.seconds)
            ended = processes.until(lambda: _is_settled(watching), "all to be settled")
            settled = _done(bench, "whole") - before
            cpu = processes.spent(spent, running.cpu_seconds(), settled)
        _same(settled, seen, "events settled")
        return {
            "per_s": settled / (ended - seen.began_at),
            "events_per_batch": settled / (_batches(bench, "whole") - batches),
            "tail_ms": (ended - seen.ended_at) * 1000,
            "cpu": cpu,
            "differences": differences(dsn),
            **_accepting(seen),
        }


def single(bench: Bench) -> Figures:
    """Milliseconds from the acceptance of one event until it is settled, nothing else going on."""
    with bench.stores.clone("single") as dsn, processes.running(bench.stores, dsn) as running:
        _start_all(running)
        numbers = bench.numbers[: bench.singles + _UNCOUNTED_SINGLES]
        sender = load.senders(bench.ground.series, numbers, running.port, crew=1, connections=1)
        with sender as senders, bench.stores.connect("single") as watching:
            waits = [_one(senders, lambda: _is_settled(watching)) for _ in numbers]
        return {"waits_ms": [wait * 1000 for wait in waits[_UNCOUNTED_SINGLES:]]}


def differences(dsn: str) -> int:
    """How many differences the audit finds."""
    store = Store(dsn)
    with store.snapshot() as books:
        found = list(audit.audit(books))
    store.close()
    return len(found)


def _one(senders: load.Senders, is_settled: Callable[[], bool]) -> float:
    """Seconds from the answer to one delivery until it is settled; then a breath."""
    seen = senders.send(0)
    settled_at = processes.until(is_settled, "one event to be settled", _TINY_PAUSE_SECONDS)
    time.sleep(0.1)
    return settled_at - seen.ended_at


def _start_all(running: Processes) -> None:
    running.start_web()
    running.start_workers()
    running.start_beat()
    running.await_web()
    running.await_workers()


def _drain(bench: Bench, database: str, numbers: range) -> None:
    ground.put(bench.stores, database, bench.ground, numbers)
    _nudge(bench)
    with bench.stores.connect(database) as watching:
        processes.until(lambda: _is_settled(watching), "the warm-up to be settled")


def _nudge(bench: Bench) -> None:
    """One message for each worker, as the intake sends them."""
    nudges = Nudges(processes.celery(bench.stores))
    for _ in processes.WORKERS:
        nudges.send(())
    nudges.close()


def _kept(bench: Bench, database: str) -> int:
    return int(bench.stores.value(database, "SELECT count(*) FROM inbox"))


def _done(bench: Bench, database: str) -> int:
    return int(bench.stores.value(database, "SELECT count(*) FROM inbox WHERE state = 'done'"))


def _batches(bench: Bench, database: str) -> int:
    """How often a worker has booked; each batch is one act."""
    query = "SELECT count(*) FROM journal WHERE act = 'settle'"
    return int(bench.stores.value(database, query))


def _is_settled(watching: Any) -> bool:
    found = "SELECT EXISTS (SELECT FROM inbox WHERE state = 'received')"
    return not watching.execute(found).fetchone()[0]


def _accepting(seen: load.Seen) -> Figures:
    return {
        "p50_ms": seen.percentile_ms(50),
        "p99_ms": seen.percentile_ms(99),
        "sender_us": seen.cpu_us_per_request,
    }


def _same(found: int, seen: load.Seen, what: str) -> None:
    """Only rows that are really there count, and every acknowledged delivery has one."""
    if seen.refused or found != seen.accepted:
        raise Refused(
            "not_measured",
            f"{seen.accepted} acknowledged, {seen.refused} refused, but {found} {what}",
        )
