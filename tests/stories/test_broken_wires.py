"""A wire between a worker and its broker that breaks: the worker finds back by itself, alone."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.desk import Desk
from tests.stories.plant import Plant
from tests.stories.proxy import Proxy
from tests.stripe_events import sisters

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("stories")]

BACK_WITHIN_SECONDS = 45.0


@pytest.fixture
def wire(plant: Plant, desk: Desk) -> Iterator[Proxy]:
    """The only way to the broker, for whoever is started after the door."""
    plant.start_web()
    plant.wait_for(plant.is_web_ready, "the web")
    wire = Proxy(Path(plant.broker.removeprefix("redis+socket://")))
    plant.broker = f"redis://127.0.0.1:{wire.port}/0"
    yield wire
    wire.close()


def flapping(wire: Proxy) -> int:
    cuts = 0
    for _ in range(6):
        cuts += wire.cut()
        time.sleep(0.5)
    return cuts


@pytest.mark.parametrize("strike", [Proxy.cut, flapping, Proxy.darken])
def test_a_worker_whose_wire_breaks_in_mid_work_is_back_without_help(
    plant: Plant, desk: Desk, wire: Proxy, strike: Callable[[Proxy], int]
):
    invoice = desk.invoice(desk.open(), "100000")
    plant.start_worker("alone")
    bodies = [body for n in range(60) for body in sisters(f"w{n}", 100, str(invoice.number))]
    assert plant.post_all(bodies[:60]) == [200] * 60
    plant.wait_until_settled(desk)

    with desk.store.transaction() as books:  # whoever settles now waits for this lock
        books.run("SELECT FROM invoices FOR NO KEY UPDATE")
        assert plant.post_all(bodies[60:120]) == [200] * 60
        time.sleep(1)
        struck = strike(wire)
    plant.start_beat()
    assert plant.post_all(bodies[120:]) == [200] * 60
    plant.wait_for(lambda: settled(desk) == 180, "the worker", BACK_WITHIN_SECONDS)

    assert struck >= 2
    assert desk.standing(invoice.id).paid_minor == 60 * 100
    assert desk.differences() == []


def settled(desk: Desk) -> int:
    return int(desk.query("SELECT count(*) FROM inbox WHERE state = 'done'")[0][0])
