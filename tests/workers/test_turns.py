"""One worker settles at a time while it keeps up; no knock is lost by that, and help can be had."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread
from typing import cast

import pytest

from domain.errors import TryLater
from gateways.port import Gateway
from ledger.inbox import turns, waiting
from ledger.store import Store
from runtime import wiring
from tests.desk import Desk
from tests.stripe_events import sisters
from tests.waiting import eventually
from tests.workers.test_events import keep
from workers import events
from workers.nudges import Nudges


class Interrupted:
    """A gateway that lets something happen while a worker reads; all else is Stripe's."""

    def __init__(self, genuine: Gateway, meanwhile: Callable[[], None]) -> None:
        self._genuine = genuine
        self._meanwhile = [meanwhile]

    def __getattr__(self, verb: str) -> object:
        return getattr(self._genuine, verb)

    def read(self, raw: bytes) -> object:
        if self._meanwhile:
            self._meanwhile.pop()()
        return self._genuine.read(raw)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    sent: list[tuple[int, ...]] = []
    monkeypatch.setattr(Nudges, "send", lambda self, ids: sent.append(tuple(ids)))
    return sent


def age(desk: Desk, seconds: int) -> None:
    desk.query(f"UPDATE inbox SET received_at = received_at - interval '{seconds} s' RETURNING id")


def many(number: int) -> list[bytes]:
    return [body for each in range(number) for body in sisters(str(each), 100, "INV-0001")]


def states(desk: Desk) -> list[tuple[str, int]]:
    return desk.query("SELECT state, count(*) FROM inbox GROUP BY state ORDER BY state")


def test_who_knocks_while_another_has_the_turn_leaves_the_rows_to_him(
    desk: Desk, store: Store, sent: list[tuple[int, ...]]
):
    keep(desk, *sisters("1", 12100, "INV-0001"))

    with turns.taken(store) as is_ours:
        assert is_ours
        events.settle_events([1, 2, 3])
        assert states(desk) == [("received", 3)]
    events.settle_events([1, 2, 3])

    assert states(desk) == [("done", 3)]
    assert sent == []


def test_who_is_nudged_without_ids_helps_whosever_turn_it_is(
    desk: Desk, store: Store, sent: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
):
    """As the sweep does, when the one who has the turn is frozen."""
    monkeypatch.setattr(waiting, "MOST_ROWS", 10)
    keep(desk, *many(8))

    with turns.taken(store):
        events.settle_events([])
        assert states(desk) == [("done", 24)]

    assert desk.differences() == []


def test_who_finds_late_rows_helps_whosever_turn_it_is(
    desk: Desk, store: Store, sent: list[tuple[int, ...]]
):
    """The other may sit with a row that ends it, or wait for a lock."""
    keep(desk, *sisters("1", 12100, "INV-0001"))
    age(desk, seconds=60)

    with turns.taken(store):
        events.settle_events([1, 2, 3])
        assert states(desk) == [("done", 3)]


def test_a_helper_whose_time_is_over_nudges_another(
    desk: Desk, store: Store, sent: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(waiting, "MOST_ROWS", 10)
    monkeypatch.setattr(events, "_MOST_SECONDS", 0.001)
    keep(desk, *many(8))

    with turns.taken(store):
        events.settle_events([])

    assert states(desk) == [("done", 10), ("received", 14)]
    assert sent == [()]


def test_a_helper_whose_batch_failed_goes_on_when_the_turn_is_free(
    desk: Desk, store: Store, sent: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
):
    turn = ExitStack()

    def meanwhile() -> None:
        turn.close()
        raise KeyError("x")

    gateways = cast(dict[str, object], wiring.gateways())
    trapped = Interrupted(wiring.gateways()["stripe"], meanwhile)
    monkeypatch.setitem(gateways, "stripe", trapped)
    keep(desk, *many(10))

    turn.enter_context(turns.taken(store))
    events.settle_events([])

    assert states(desk) == [("done", 30)]


def test_a_knock_that_met_the_turn_of_another_is_not_lost(
    desk: Desk, sent: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
):
    """It comes when the other has looked for the last time, and still has the turn."""
    first, *others = sisters("1", 12100, "INV-0001")
    keep(desk, first)
    left: list[tuple[str, int]] = []
    taken = turns.taken

    def knock() -> None:
        keep(desk, *others)
        knocking = Thread(target=events.settle_events, args=([2, 3],))
        knocking.start()
        knocking.join()
        left.extend(states(desk))

    @contextmanager
    def taken_until_somebody_knocked(store: Store) -> Iterator[bool]:
        with taken(store) as is_ours:
            yield is_ours
            if is_ours and not left:
                knock()

    monkeypatch.setattr(turns, "taken", taken_until_somebody_knocked)

    events.settle_events([1])

    assert left == [("done", 1), ("received", 2)]
    assert states(desk) == [("done", 3)]
    assert sent == []
    assert desk.differences() == []


@pytest.mark.parametrize(("last_ago", "calls"), [(0, []), (60, [()])], ids=["streaming", "quiet"])
def test_who_has_the_turn_and_much_to_do_calls_for_help_when_nothing_comes_any_more(
    desk: Desk,
    sent: list[tuple[int, ...]],
    monkeypatch: pytest.MonkeyPatch,
    last_ago: int,
    calls: list[tuple[int, ...]],
):
    """Once, as one call is enough for a while; not while two would disturb the door."""
    monkeypatch.setattr(waiting, "MOST_ROWS", 10)
    monkeypatch.setattr(waiting, "QUIET_SECONDS", 30.0)
    keep(desk, *many(9))
    age(desk, seconds=60)
    keep(desk, *many(10)[27:])
    age(desk, seconds=last_ago)

    events.settle_events([1])

    assert sent == calls
    assert states(desk) == [("done", 30)]


def test_the_turn_ends_with_the_connection_of_who_had_it(desk: Desk, store: Store):
    turn = ExitStack()
    assert turn.enter_context(turns.taken(store))
    assert not is_free(desk.store)

    desk.query(
        "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d"
        " ON d.oid = l.database WHERE locktype = 'advisory' AND datname = current_database()"
    )

    eventually(lambda: is_free(desk.store))
    with pytest.raises(TryLater):
        turn.close()


def is_free(store: Store) -> bool:
    with turns.taken(store) as is_ours:
        return is_ours
