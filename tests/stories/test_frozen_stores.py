"""A store that stands still or dies, on real processes and over HTTP: what gateways are told."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from statistics import quantiles

import pytest

from tests.desk import Desk
from tests.processes import Holding, frozen, holding
from tests.stories.caller import Caller
from tests.stories.plant import Plant
from tests.stripe_events import sisters

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("stories")]

CALLERS = 100
AWAY_SECONDS = 9.0
NONE_WAITS_LONGER_SECONDS = 5.0
HEALED_WITHIN_SECONDS = 30.0

Told = list[tuple[int, float]]
Fault = Callable[[Plant], AbstractContextManager[None]]


@contextmanager
def postgres_frozen(plant: Plant) -> Iterator[None]:
    with frozen(plant.postgres.pid):
        yield


@contextmanager
def postgres_killed(plant: Plant) -> Iterator[None]:
    plant.postgres.kill()
    yield
    plant.postgres.start()


async def keep_calling(port: int, bodies: Sequence[bytes], seconds: float, pause: float) -> Told:
    """One gateway's connection: delivers in turn, again and again, until the time is over."""
    told: Told = []
    caller = Caller(port)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        told.append(await caller.timed(bodies[len(told) % len(bodies)]))
        await asyncio.sleep(pause)
    caller.close()
    return told


def call(port: int, bodies: Sequence[bytes], callers: int, seconds: float) -> Told:
    """What many connections at once were told; each body goes over one of them."""

    async def run() -> list[Told]:
        shares = (bodies[first::callers] for first in range(callers))
        return await asyncio.gather(*(keep_calling(port, each, seconds, 0.1) for each in shares))

    return [answer for told in asyncio.run(run()) for answer in told]


@pytest.mark.parametrize("fault", [postgres_frozen, postgres_killed])
def test_without_postgresql_the_door_says_come_again_in_time_and_heaps_nothing_up(
    plant: Plant, desk: Desk, fault: Fault
):
    invoice = desk.invoice(desk.open(), "100000")
    plant.start_all()
    early, *bodies = (b for n in range(100) for b in sisters(f"f{n}", 100, str(invoice.number)))
    assert plant.post(early) == 200
    plant.wait_until_settled(desk)
    desk.store.close()
    web = plant.processes["web"].pid
    before = holding(web)

    with fault(plant):
        told = call(plant.port, bodies, CALLERS, AWAY_SECONDS / 2)
        midway = holding(web)
        told += call(plant.port, bodies, CALLERS, AWAY_SECONDS / 2)
        at_the_end = holding(web)
    healed_seconds = plant.wait_for(lambda: plant.post(early) == 200, "the door")
    again = plant.post_all(bodies)
    plant.wait_until_settled(desk)

    assert len(told) >= 2 * CALLERS
    assert {status for status, _ in told} == {503}
    assert max(seconds for _, seconds in told) < NONE_WAITS_LONGER_SECONDS
    assert healed_seconds < HEALED_WITHIN_SECONDS
    assert is_bounded(before, midway)
    assert is_bounded(before, at_the_end)
    assert set(again) == {200}
    assert desk.query("SELECT state, count(*) FROM inbox GROUP BY state") == [("done", 300)]
    assert desk.standing(invoice.id).paid_minor == 100 * 100
    assert desk.differences() == []


def is_bounded(before: Holding, during: Holding) -> bool:
    """Beside its callers, a process that heaps nothing up holds hardly more than it did."""
    return (
        during.threads <= before.threads + 4
        and during.files <= before.files + CALLERS + 8
        and during.memory_kib <= before.memory_kib + 32 * 1024
    )


def test_with_redis_frozen_every_delivery_is_accepted_within_a_second(plant: Plant, desk: Desk):
    invoice = desk.invoice(desk.open(), "100000")
    plant.start_all()
    early, *bodies = (b for n in range(100) for b in sisters(f"z{n}", 100, str(invoice.number)))
    assert plant.post(early) == 200
    plant.wait_until_settled(desk)

    with frozen(plant.redis.pid):
        told = call(plant.port, bodies, callers=20, seconds=AWAY_SECONDS)
    healed_seconds = plant.wait_until_settled(desk)

    assert len(told) >= 500
    assert {status for status, _ in told} == {200}
    assert quantiles((seconds for _, seconds in told), n=100)[-1] < 1
    assert desk.query("SELECT state, count(*) FROM inbox GROUP BY state") == [("done", 300)]
    assert desk.standing(invoice.id).paid_minor == 100 * 100
    assert desk.differences() == []
    assert healed_seconds < 60
