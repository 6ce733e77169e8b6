"""A whole stack under load: from the first post until the last event is settled."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import load, processes
from benchmarks.bench import Bench, Figures, accepting, same
from benchmarks.processes import Processes
from benchmarks.series import Series


@dataclass(frozen=True, slots=True)
class Stack:
    """Something that takes deliveries and settles them: its ground, its events, how it starts.

    `waiting` and `settled` are queries on its database: whether an event waits to be settled, and
    how many are. `judge` tells more, once all is settled, of the database at an address.
    """

    name: str
    ground: str
    series: Series
    numbers: range
    secret: str
    waiting: str
    settled: str
    start: Callable[[Processes], None]
    judge: Callable[[str], Figures]


def end_to_end(bench: Bench, stack: Stack) -> Figures:
    """Events settled, over the time from the first post until the last one is settled."""
    stores, name = bench.stores, stack.name
    with stores.clone(name, stack.ground) as dsn, processes.running(stores, dsn) as running:
        stack.start(running)
        sender = load.senders(stack.series, stack.numbers, running.port, secret=stack.secret)
        with sender as senders, stores.connect(name) as watching:

            def is_settled() -> bool:
                return watching.execute(stack.waiting).fetchone() == (False,)

            senders.send(bench.warm_seconds)
            processes.until(is_settled, "the warm-up to be settled")
            before, spent = stores.value(name, stack.settled), running.cpu_seconds()
            seen = senders.send(bench.seconds)
            ended = processes.until(is_settled, "all to be settled")
            settled = stores.value(name, stack.settled) - before
            cpu = processes.spent(spent, running.cpu_seconds(), settled)
        same(settled, seen, "events settled")
        return {
            "per_s": settled / (ended - seen.began_at),
            "tail_ms": (ended - seen.ended_at) * 1000,
            "cpu": cpu,
            **accepting(seen),
            **stack.judge(dsn),
        }
