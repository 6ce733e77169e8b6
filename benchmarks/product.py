"""Incasso itself: intake alone, settling alone, both together, and one event on an idle machine."""

import time
from collections.abc import Callable
from typing import Any

from benchmarks import ground, load, processes
from benchmarks.bench import Bench, Figures, accepting, differences, same
from benchmarks.ground import SECRET
from benchmarks.processes import Processes
from benchmarks.stores import GROUND
from benchmarks.whole import Stack
from workers.nudges import Nudges

_TINY_PAUSE_SECONDS = 0.001
_UNCOUNTED_SINGLES = 3

_WAITING = "SELECT EXISTS (SELECT FROM inbox WHERE state = 'received')"
_KEPT = "SELECT count(*) FROM inbox"
_SETTLED = "SELECT count(*) FROM inbox WHERE state = 'done'"
_BATCHES = "SELECT count(*) FROM journal WHERE act = 'settle'"  # each is one act


def stack(bench: Bench) -> Stack:
    """All of it together, as production runs it."""
    return Stack(
        name="whole",
        ground=GROUND,
        series=bench.ground.series,
        numbers=bench.numbers,
        secret=SECRET,
        waiting=_WAITING,
        settled=_SETTLED,
        start=_start_all,
        judge=lambda dsn: {
            "differences": differences(dsn),
            "events_per_batch": _grown(bench, "whole", _SETTLED) / _grown(bench, "whole", _BATCHES),
        },
    )


def intake(bench: Bench) -> Figures:
    """How many deliveries a second are kept and acknowledged, workers off."""
    with bench.stores.clone("intake") as dsn, processes.running(bench.stores, dsn) as running:
        running.start_web()
        running.await_web()
        with load.senders(bench.ground.series, bench.numbers, running.port) as senders:
            senders.send(bench.warm_seconds)
            before, spent = bench.stores.value("intake", _KEPT), running.cpu_seconds()
            seen = senders.send(bench.seconds)
            cpu = processes.spent(spent, running.cpu_seconds(), seen.accepted)
        kept = bench.stores.value("intake", _KEPT) - before
        same(kept, seen, "rows kept")
        return {"per_s": kept / seen.seconds, "cpu": cpu, **accepting(seen)}


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


def single(bench: Bench) -> Figures:
    """Milliseconds from the acceptance of one event until it is settled, nothing else going on."""
    with bench.stores.clone("single") as dsn, processes.running(bench.stores, dsn) as running:
        _start_all(running)
        numbers = bench.numbers[: bench.singles + _UNCOUNTED_SINGLES]
        sender = load.senders(bench.ground.series, numbers, running.port, crew=1, connections=1)
        with sender as senders, bench.stores.connect("single") as watching:
            waits = [_one(senders, lambda: _is_settled(watching)) for _ in numbers]
        return {"waits_ms": [wait * 1000 for wait in waits[_UNCOUNTED_SINGLES:]]}


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


def _grown(bench: Bench, database: str, counting: str) -> int:
    """How many more there are than in the ground."""
    before = bench.stores.value(GROUND, counting)
    return int(bench.stores.value(database, counting) - before)


def _is_settled(watching: Any) -> bool:
    return bool(watching.execute(_WAITING).fetchone() == (False,))
