"""Tasks obey a stop that was not there when their process began."""

import time
from pathlib import Path

import pytest

from ledger import stops
from ledger.stops import Stop
from ledger.store import Store
from runtime import clock
from tests.builders import at
from tests.desk import Desk
from tests.stripe_events import sisters
from tests.workers.test_events import keep
from workers import errands, events, reminders
from workers.nudges import Nudges


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    sent: list[object] = []
    monkeypatch.setattr(Nudges, "send", lambda self, ids: sent.append(ids))
    return sent


def test_a_worker_settles_until_the_stop_and_again_after_it(
    desk: Desk, store: Store, sent: list[object]
):
    first, second, _ = sisters("1", 12100, "INV-0001")
    keep(desk, first)
    events.settle_events([1])
    with store.transaction() as books:
        stops.put(books, Stop.SETTLING, "test", "test")
    keep(desk, second)

    events.settle_events([2])
    events.sweep()

    assert desk.query("SELECT state FROM inbox ORDER BY id") == [("done",), ("received",)]
    assert sent == []
    with store.transaction() as books:
        stops.remove(books, Stop.SETTLING, "test", None)
    events.sweep()
    events.settle_events([2])
    assert desk.query("SELECT DISTINCT state FROM inbox") == [("done",)]
    assert sent == [()]


@pytest.mark.parametrize("what", [Stop.LETTERS, Stop.SETTLING])
def test_stopped_letters_are_not_waited_for(
    desk: Desk, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: Stop
):
    monkeypatch.setattr(clock, "now", lambda: at("2027-06-01"))
    desk.invoice(desk.open())
    keep(desk, next(sisters("1", 12100, "INV-9999")))
    with store.transaction() as books:
        stops.put(books, what, "test", "test")

    began = time.monotonic()
    reminders.write_due()
    errands.run_errands()

    assert time.monotonic() - began < 5
    assert desk.query("SELECT count(*) FROM outbox") == [(0,)]
    assert not (tmp_path / "mailbox").exists()
