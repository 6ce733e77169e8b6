"""Nudges go out beside the work: joined, bounded, and silent for a while after a failure."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

import pytest

from webhooks import nudger
from webhooks.nudger import MOST_IDS, Nudger


class Broker:
    """A broker that takes a message when it is let."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.messages: list[list[int]] = []
        self.tries = 0
        self.fails = False
        self.knocked = threading.Semaphore(0)
        self.may_take = threading.Event()
        if is_open:
            self.may_take.set()

    def send(self, ids: Sequence[int]) -> None:
        self.tries += 1
        self.knocked.release()
        assert self.may_take.wait(5)
        if self.fails:
            raise ConnectionError
        self.messages.append(list(ids))


@contextmanager
def started(broker: Broker) -> Iterator[Nudger]:
    found = Nudger(broker.send)
    found.start()
    try:
        yield found
    finally:
        broker.may_take.set()
        found.stop()


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nudger, "BREAK_SECONDS", 0.1)


def test_what_arrives_while_a_message_is_under_way_joins_the_next():
    broker = Broker(is_open=False)

    with started(broker) as found:
        found.nudge([1])
        assert broker.knocked.acquire(timeout=5)
        for each in range(2, 6):
            found.nudge([each])

    assert broker.messages == [[1], [2, 3, 4, 5]]


def test_a_nudge_never_waits_for_the_broker():
    broker = Broker(is_open=False)

    with started(broker) as found:
        began = monotonic()
        for each in range(1_000):
            found.nudge([each])
        took = monotonic() - began

    assert took < 1


def test_too_many_ids_are_left_to_the_sweep():
    broker = Broker(is_open=False)

    with started(broker) as found:
        found.nudge([0])
        assert broker.knocked.acquire(timeout=5)
        for start in range(0, MOST_IDS + 600, 100):
            found.nudge(range(start, start + 100))

    assert broker.messages == [[0], list(range(MOST_IDS))]


def test_after_a_failure_it_is_silent_for_a_while_and_then_sends_what_it_still_has():
    broker = Broker()
    broker.fails = True

    with started(broker) as found:
        began = monotonic()
        found.nudge([1])
        assert broker.knocked.acquire(timeout=5)
        broker.fails = False
        found.nudge([2])
        assert broker.knocked.acquire(timeout=5)
        waited = monotonic() - began

    assert waited >= 0.1
    assert sorted(each for message in broker.messages for each in message) == [1, 2]


def test_a_stop_sends_what_is_left():
    broker = Broker(is_open=False)

    with started(broker) as found:
        found.nudge([1])
        assert broker.knocked.acquire(timeout=5)
        found.nudge([2, 3])

    assert broker.messages == [[1], [2, 3]]


def test_a_stop_does_not_insist_when_the_broker_is_gone():
    broker = Broker()
    broker.fails = True

    with started(broker) as found:
        found.nudge([1])

    assert broker.messages == []
    assert broker.tries <= 2


def test_what_arrives_in_the_breath_after_a_message_goes_out_although_nothing_follows():
    broker = Broker()

    with started(broker) as found:
        found.nudge([1])
        assert broker.knocked.acquire(timeout=5)
        found.nudge([2])

        assert broker.knocked.acquire(timeout=5)
