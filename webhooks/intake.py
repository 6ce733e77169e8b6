"""The gatherer: deliveries that arrive while one flush is under way share the next one."""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import NamedTuple

import structlog

from domain.errors import TryLater
from gateways.port import Outcome
from ledger.inbox.arrivals import ArrivalRow, Fate, NotKept
from runtime import metrics

WAIT_SECONDS = 4.0
MOST_WAITING = 2_000
MOST_WAITING_BYTES = 64 * 1024 * 1024
MOST_ROWS = 200
OVERDUE_SECONDS = 5.0

_log = structlog.get_logger(__name__)

_OUTCOMES = {
    NotKept.DUPLICATE: Outcome.DUPLICATE,
    NotKept.DIFFERS: Outcome.DIFFERS,
    NotKept.FAILED: Outcome.BUSY,
}


class _Waiter(NamedTuple):
    arrival: ArrivalRow
    outcome: "asyncio.Future[Outcome]"


class Intake:
    """Takes deliveries in, one flush at a time and without a timer.

    `keep` commits a batch; `nudge` is told the new ids and must not wait.
    """

    def __init__(
        self,
        keep: Callable[[Sequence[ArrivalRow]], Awaitable[list[Fate]]],
        nudge: Callable[[Sequence[int]], None],
    ) -> None:
        self._keep = keep
        self._nudge = nudge
        self._waiting: deque[_Waiter] = deque()
        self._held_rows = 0
        self._held_bytes = 0
        self._arrived = asyncio.Event()
        self._failures = 0
        self._is_stopping = False
        self._flush_began_at: float | None = None
        self._flusher: asyncio.Task[None] | None = None

    async def take(self, arrival: ArrivalRow) -> Outcome:
        """What became of the delivery; BUSY when that is not known within WAIT_SECONDS."""
        size = len(arrival.raw)
        if self._held_rows >= MOST_WAITING or self._held_bytes + size > MOST_WAITING_BYTES:
            return Outcome.BUSY
        loop = asyncio.get_running_loop()
        waiter = _Waiter(arrival, loop.create_future())
        self._held_rows += 1
        self._held_bytes += size
        self._waiting.append(waiter)
        self._arrived.set()
        deadline = loop.call_later(WAIT_SECONDS, _tell, waiter, Outcome.BUSY)
        try:
            return await waiter.outcome
        finally:
            deadline.cancel()

    @property
    def is_overdue(self) -> bool:
        """Whether the flusher is gone, or stuck in a flush that should have been cut off."""
        if self._flusher is None or self._flusher.done():
            return True
        if self._flush_began_at is None:
            return False
        return perf_counter() - self._flush_began_at > OVERDUE_SECONDS

    def start(self) -> None:
        """Begins to flush, in the running event loop."""
        self._flusher = asyncio.create_task(self._flush_for_ever())

    async def stop(self) -> None:
        """Ends after the flush under way; whoever still waits is told to come again."""
        self._is_stopping = True
        self._arrived.set()
        if self._flusher is not None:
            await self._flusher
        while self._waiting:
            self._release(self._waiting.popleft(), Outcome.BUSY)

    async def _flush_for_ever(self) -> None:
        while not self._is_stopping:
            await self._arrived.wait()
            batch = self._next_batch()
            if not batch:
                self._arrived.clear()
                continue
            self._flush_began_at = perf_counter()
            await self._flush(batch)
            self._flush_began_at = None

    def _next_batch(self) -> list[_Waiter]:
        """The longest waiting ones; who has been told to come again is passed over."""
        batch: list[_Waiter] = []
        while self._waiting and len(batch) < MOST_ROWS:
            waiter = self._waiting.popleft()
            if waiter.outcome.done():
                self._release(waiter, Outcome.BUSY)
            else:
                batch.append(waiter)
        return batch

    async def _flush(self, batch: Sequence[_Waiter]) -> None:
        """Never raises: a flusher that died would leave every later delivery waiting."""
        began_at = perf_counter()
        fates: Sequence[Fate] = [NotKept.FAILED] * len(batch)
        try:
            fates = await self._keep([waiter.arrival for waiter in batch])
            self._note_success()
        except TryLater as busy:
            self._note_failure(str(busy))
        except Exception:  # noqa: BLE001 - the flusher outlives our own bugs
            _log.exception("flush_broke", rows=len(batch))
        outcomes = [_outcome(fate) for fate in fates]
        for waiter, outcome in zip(batch, outcomes, strict=True):
            self._release(waiter, outcome)
        new = [fate for fate in fates if isinstance(fate, int)]
        if new:
            self._nudge(new)
        metrics.flushed(len(batch), perf_counter() - began_at)
        _count(batch, outcomes)
        _log.debug("flushed", rows=len(batch), new=len(new), first_event=new[0] if new else None)

    def _note_failure(self, reason: str) -> None:
        """Says so once: while a store is away, a line per flush would only fill the disk."""
        if self._failures == 0:
            _log.warning("flush_failed", reason=reason)
        self._failures += 1

    def _note_success(self) -> None:
        if self._failures:
            _log.info("flush_recovered", failures=self._failures)
        self._failures = 0

    def _release(self, waiter: _Waiter, outcome: Outcome) -> None:
        self._held_rows -= 1
        self._held_bytes -= len(waiter.arrival.raw)
        _tell(waiter, outcome)


def _tell(waiter: _Waiter, outcome: Outcome) -> None:
    if not waiter.outcome.done():
        waiter.outcome.set_result(outcome)


def _outcome(fate: Fate) -> Outcome:
    return Outcome.KEPT if isinstance(fate, int) else _OUTCOMES[fate]


def _count(batch: Sequence[_Waiter], outcomes: Sequence[Outcome]) -> None:
    """Once per flush, as one by one would cost more than the signatures; who is busy says so."""
    gateways = (waiter.arrival.gateway for waiter in batch)
    for (gateway, outcome), number in Counter(zip(gateways, outcomes, strict=True)).items():
        if outcome is not Outcome.BUSY:
            metrics.told(gateway, outcome, number)
