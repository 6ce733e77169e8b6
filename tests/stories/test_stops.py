"""A stop on real processes: obeyed within five seconds by those that run, and never by the door."""

import time

import pytest

from ledger import stops
from ledger.inbox import replaying
from ledger.stops import Stop
from tests.desk import Desk
from tests.stories.plant import Plant
from tests.stripe_events import sisters

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("stories")]

OBEYED_WITHIN_SECONDS = 5.0


def settled(desk: Desk) -> int:
    return int(desk.query("SELECT count(*) FROM inbox WHERE state = 'done'")[0][0])


def test_running_processes_stop_settling_and_take_it_up_again(plant: Plant, desk: Desk):
    invoice = desk.invoice(desk.open(), "100000")
    plant.start_all()
    bodies = [body for n in range(40) for body in sisters(f"s{n}", 100, str(invoice.number))]
    assert plant.post_all(bodies[:60]) == [200] * 60
    plant.wait_until_settled(desk)

    with desk.store.transaction() as books:
        stops.put(books, Stop.SETTLING, "story", "the books are looked at")
    answers = plant.post_all(bodies[60:90])  # whoever was in mid-batch may end it
    time.sleep(OBEYED_WITHIN_SECONDS)
    at_rest = settled(desk)
    answers += plant.post_all(bodies[90:])
    time.sleep(16)  # longer than a sweep takes to come around
    assert answers == [200] * 60  # the intake never stops
    assert settled(desk) == at_rest
    assert desk.query("SELECT count(*) FROM inbox") == [(120,)]

    with desk.store.transaction() as books:
        stops.remove(books, Stop.SETTLING, "story", None)
    healed_seconds = plant.wait_until_settled(desk)

    assert healed_seconds < 30
    assert desk.standing(invoice.id).paid_minor == 40 * 100
    assert desk.differences() == []


def test_everything_replayed_on_running_processes_changes_nothing(plant: Plant, desk: Desk):
    invoice = desk.invoice(desk.open(), "100000")
    plant.start_all()
    bodies = [body for n in range(20) for body in sisters(f"p{n}", 100, str(invoice.number))]
    assert plant.post_all(bodies) == [200] * 60
    plant.wait_until_settled(desk)
    before = desk.postings()

    with desk.store.transaction() as books:
        done = replaying.put_back(books, range(1, 61), "story", "everything once more")
    plant.wait_until_settled(desk)

    assert len(done) == 60
    assert settled(desk) == 60
    assert desk.postings() == before
    assert desk.differences() == []
