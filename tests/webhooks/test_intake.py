"""Flushes gather what arrives, and nobody waits longer than he should."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from domain.errors import TryLater
from gateways.port import Outcome
from ledger.inbox.arrivals import ArrivalRow, Fate, NotKept
from webhooks import intake
from webhooks.intake import MOST_ROWS, MOST_WAITING, Intake

Keep = Callable[[Sequence[ArrivalRow]], Awaitable[list[Fate]]]


def an_arrival(name: str = "evt_1", raw: bytes = b"{}") -> ArrivalRow:
    return ArrivalRow("stripe", "own/test", name, None, "ping", "{}", raw, b"")


class Store:
    """A store that waits until it may keep, and remembers its flushes."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.flushes: list[int] = []
        self.fails: list[Exception] = []
        self.may_keep = asyncio.Event()
        if is_open:
            self.may_keep.set()

    async def keep(self, arrivals: Sequence[ArrivalRow]) -> list[Fate]:
        self.flushes.append(len(arrivals))
        await self.may_keep.wait()
        if self.fails:
            raise self.fails.pop()
        return list(range(1, len(arrivals) + 1))


async def settled() -> None:
    """Lets everybody do what can be done now."""
    for _ in range(10):
        await asyncio.sleep(0)


def started(store: Store, nudge: Callable[[Sequence[int]], None] = lambda _: None) -> Intake:
    door = Intake(store.keep, nudge)
    door.start()
    return door


def test_what_arrives_during_a_flush_shares_the_next():
    async def run() -> tuple[list[int], set[Outcome]]:
        store = Store(is_open=False)
        door = started(store)
        waiting = [asyncio.create_task(door.take(an_arrival()))]
        await settled()
        waiting += [asyncio.create_task(door.take(an_arrival())) for _ in range(300)]
        await settled()
        store.may_keep.set()
        outcomes = await asyncio.gather(*waiting)
        await door.stop()
        return store.flushes, set(outcomes)

    flushes, outcomes = asyncio.run(run())

    assert flushes == [1, MOST_ROWS, 100]
    assert outcomes == {Outcome.KEPT}


def test_only_new_rows_are_nudged_after_their_senders_have_their_answer():
    async def run() -> list[Sequence[int]]:
        nudged: list[Sequence[int]] = []

        async def keep(_: Sequence[ArrivalRow]) -> list[Fate]:
            return [7, NotKept.DUPLICATE, NotKept.DIFFERS, 9, NotKept.FAILED]

        door = Intake(keep, nudged.append)
        waiting = [asyncio.create_task(door.take(an_arrival())) for _ in range(5)]
        await settled()
        door.start()
        outcomes = await asyncio.gather(*waiting)
        await door.stop()
        assert outcomes == [
            Outcome.KEPT,
            Outcome.DUPLICATE,
            Outcome.DIFFERS,
            Outcome.KEPT,
            Outcome.BUSY,
        ]
        return nudged

    assert asyncio.run(run()) == [[7, 9]]


def test_a_waiter_is_told_to_come_again_at_his_own_deadline(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(intake, "WAIT_SECONDS", 0.05)

    async def run() -> tuple[Outcome, Outcome]:
        store = Store(is_open=False)
        door = started(store)
        outcome = await asyncio.wait_for(door.take(an_arrival()), timeout=10)
        store.may_keep.set()
        await settled()
        later = await door.take(an_arrival())
        await door.stop()
        return outcome, later

    assert asyncio.run(run()) == (Outcome.BUSY, Outcome.KEPT)


def test_who_has_left_is_not_flushed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(intake, "WAIT_SECONDS", 0.05)

    async def run() -> list[int]:
        store = Store(is_open=False)
        door = started(store)
        first = asyncio.create_task(door.take(an_arrival()))
        await settled()
        await asyncio.gather(first, *(door.take(an_arrival()) for _ in range(5)))
        store.may_keep.set()
        await door.take(an_arrival())
        await door.stop()
        return store.flushes

    assert asyncio.run(run()) == [1, 1]


def test_the_door_is_full_at_some_number_of_waiters_and_says_so_at_once():
    async def run() -> tuple[Outcome, Outcome]:
        store = Store(is_open=False)
        door = started(store)
        waiting = [asyncio.create_task(door.take(an_arrival())) for _ in range(MOST_WAITING)]
        await settled()
        refused = await asyncio.wait_for(door.take(an_arrival()), timeout=0.5)
        store.may_keep.set()
        await asyncio.gather(*waiting)
        taken = await door.take(an_arrival())
        await door.stop()
        return refused, taken

    assert asyncio.run(run()) == (Outcome.BUSY, Outcome.KEPT)


def test_the_door_is_full_at_some_weight_of_bodies():
    heavy = bytes(8 * 1024 * 1024)

    async def run() -> tuple[Outcome, Outcome]:
        store = Store(is_open=False)
        door = started(store)
        waiting = [asyncio.create_task(door.take(an_arrival(raw=heavy))) for _ in range(8)]
        await settled()
        refused = await asyncio.wait_for(door.take(an_arrival()), timeout=0.5)
        store.may_keep.set()
        await asyncio.gather(*waiting)
        taken = await door.take(an_arrival(raw=heavy))
        await door.stop()
        return refused, taken

    assert asyncio.run(run()) == (Outcome.BUSY, Outcome.KEPT)


@pytest.mark.parametrize(
    "failure", [TryLater(timedelta(seconds=1), "gone"), RuntimeError("our own bug")]
)
def test_the_flusher_outlives_every_failure(failure: Exception):
    async def run() -> tuple[Outcome, Outcome, bool]:
        store = Store()
        store.fails.append(failure)
        door = started(store)
        outcomes = [await door.take(an_arrival()) for _ in range(2)]
        is_overdue = door.is_overdue
        await door.stop()
        return outcomes[0], outcomes[1], is_overdue

    assert asyncio.run(run()) == (Outcome.BUSY, Outcome.KEPT, False)


def test_a_store_that_is_away_is_reported_once_and_so_is_its_return():
    async def run() -> None:
        store = Store()
        store.fails += [TryLater(timedelta(seconds=1), "gone") for _ in range(5)]
        door = started(store)
        for _ in range(7):
            await door.take(an_arrival())
        await door.stop()

    with capture_logs() as lines:
        asyncio.run(run())

    told = [line["event"] for line in lines if line["log_level"] != "debug"]
    assert told == ["flush_failed", "flush_recovered"]


def test_a_flush_without_end_is_overdue(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(intake, "OVERDUE_SECONDS", 0.01)

    async def run() -> list[bool]:
        store = Store(is_open=False)
        door = started(store)
        found = [door.is_overdue]
        waiting = asyncio.create_task(door.take(an_arrival()))
        await asyncio.sleep(0.05)
        found.append(door.is_overdue)
        store.may_keep.set()
        await waiting
        found.append(door.is_overdue)
        await door.stop()
        return [*found, door.is_overdue]

    assert asyncio.run(run()) == [False, True, False, True]


def test_a_stop_ends_the_flush_under_way_and_asks_the_others_to_come_again():
    async def run() -> list[Outcome]:
        store = Store(is_open=False)
        door = started(store)
        first = asyncio.create_task(door.take(an_arrival()))
        await settled()
        second = asyncio.create_task(door.take(an_arrival()))
        await settled()
        stopping = asyncio.create_task(door.stop())
        await settled()
        store.may_keep.set()
        await stopping
        return [await first, await second]

    assert asyncio.run(run()) == [Outcome.KEPT, Outcome.BUSY]
