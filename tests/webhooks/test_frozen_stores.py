"""A store that stops answering delays nobody for long, and heals without help."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
import uvloop
from kombu.exceptions import OperationalError

from cli.embedded.daemon import Daemon
from cli.embedded.postgres import Postgres
from cli.embedded.redis import Redis
from ledger import migrations
from ledger.store import Store
from tests.processes import frozen
from tests.webhooks.knocking import Answer, a_celery, an_event, deliver, kept, knock, open_door
from webhooks.app import Webhooks
from workers.nudges import Nudges

NOWHERE = "redis+socket:///nowhere/redis.sock"


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[tuple[Daemon, str]]:
    """A PostgreSQL of this test alone, with its tables."""
    server = Postgres(tmp_path / "pg")
    daemon = Daemon(server, tmp_path / "log")
    daemon.start()
    store = Store(server.dsn())
    migrations.upgrade(store)
    store.close()
    yield daemon, server.dsn()
    daemon.stop()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[tuple[Daemon, str]]:
    """A Redis of this test alone."""
    server = Redis(tmp_path / "redis")
    daemon = Daemon(server, tmp_path / "log")
    daemon.start()
    yield daemon, server.url
    daemon.stop()


async def timed(door: Webhooks, name: str) -> tuple[Answer, float]:
    began = monotonic()
    answer = await deliver(door, an_event(name))
    return answer, monotonic() - began


def test_a_frozen_database_means_come_again_within_five_seconds_and_all_is_well_after(
    postgres: tuple[Daemon, str],
):
    daemon, dsn = postgres

    async def run() -> None:
        async with open_door(dsn, NOWHERE) as door:
            assert (await deliver(door, an_event("evt_before"))).status == 200
            with frozen(daemon.pid):
                waiting = [asyncio.create_task(timed(door, f"evt_{each}")) for each in range(300)]
                await asyncio.sleep(1)
                late = asyncio.create_task(timed(door, "evt_late"))
                ready = await knock(door, path="/readyz", method="GET")
                told = await asyncio.gather(*waiting, late)
            for _ in range(50):
                after = await deliver(door, an_event("evt_after"))
                if after.status == 200:
                    break
                await asyncio.sleep(0.1)
            healed = await knock(door, path="/readyz", method="GET")

        assert {answer.status for answer, _ in told} == {503}
        assert max(seconds for _, seconds in told) < 5
        assert ready.json["database"] is False
        assert after.status == 200
        assert healed.json["database"] is True

    uvloop.run(run())

    assert {"evt_before", "evt_after"} <= set(kept(dsn))


def test_a_database_that_dies_and_returns_is_found_again(postgres: tuple[Daemon, str]):
    daemon, dsn = postgres

    async def run() -> list[int]:
        async with open_door(dsn, NOWHERE) as door:
            statuses = [(await deliver(door, an_event("evt_1"))).status]
            daemon.kill()
            told = 200
            while told == 200:  # a session outlives its server by a moment
                told = (await deliver(door, an_event("evt_2"))).status
            statuses.append(told)
            daemon.start()  # not in a thread: a child dies with the thread that made it
            statuses.append((await deliver(door, an_event("evt_2"))).status)
            return statuses

    assert uvloop.run(run()) == [200, 503, 200]
    assert kept(dsn) == ["evt_1", "evt_2"]


def test_a_frozen_broker_delays_no_delivery(fresh_dsn: str, redis: tuple[Daemon, str]):
    daemon, url = redis

    async def run() -> list[tuple[Answer, float]]:
        async with open_door(fresh_dsn, url) as door:
            await timed(door, "evt_before")
            with frozen(daemon.pid):
                return [await timed(door, f"evt_{each}") for each in range(20)]

    told = uvloop.run(run())

    assert {answer.status for answer, _ in told} == {200}
    assert max(seconds for _, seconds in told) < 1


def test_a_nudge_to_a_frozen_broker_gives_up_soon_and_the_next_one_arrives(
    redis: tuple[Daemon, str],
):
    daemon, url = redis
    nudges = Nudges(a_celery(url))
    nudges.send([1])

    with frozen(daemon.pid):
        began = monotonic()
        with pytest.raises(OperationalError):
            nudges.send([2])
        with pytest.raises(OperationalError):
            nudges.ping()
        took = monotonic() - began
    nudges.send([3])
    nudges.close()

    assert took < 5


def test_a_nudge_to_no_broker_fails_at_once():
    nudges = Nudges(a_celery(NOWHERE))

    began = monotonic()
    with pytest.raises(OperationalError):
        nudges.send([1])

    assert monotonic() - began < 2
