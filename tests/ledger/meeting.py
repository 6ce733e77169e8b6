"""Two transactions that meet: the second begins while the first has done its work, uncommitted."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from ledger.store import Books, Store

Outcome = TypeVar("Outcome")

_BLOCKED = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0
"""


def meet(
    store: Store,
    first: Callable[[Books], object],
    second: Callable[[Books], Outcome],
    meanwhile: Callable[[Books], object] = lambda _: None,
) -> tuple[Outcome, bool]:
    """What the second answers, and whether it waited for the first; what it raises is raised.

    The first commits as soon as the second waits for it, or is done without waiting. So nothing
    here depends on luck. `meanwhile` is done by the first before it commits.
    """
    with ThreadPoolExecutor(1) as hand:
        with store.transaction() as books:
            first(books)
            running = hand.submit(_in_transaction, store, second)
            waited = _waits(store, running)
            meanwhile(books)
        return running.result(), waited


def _in_transaction(store: Store, work: Callable[[Books], Outcome]) -> Outcome:
    with store.transaction() as books:
        return work(books)


def _waits(store: Store, running: Future[Any]) -> bool:
    """Whether it waits for somebody; False when it is done."""
    deadline = time.monotonic() + 20
    while not running.done():
        with store.transaction() as books:
            if books.value(_BLOCKED):
                return True
        assert time.monotonic() < deadline, "neither waiting nor done"
        time.sleep(0.01)
    return False
