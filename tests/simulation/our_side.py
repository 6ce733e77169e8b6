"""What our processes do: settle, sweep, meet each other, stumble, and wait out their pauses."""

from collections.abc import Callable
from datetime import timedelta

from domain.errors import TryLater
from ledger.inbox import parking, waiting
from ledger.settlement import settling
from ledger.store import Store
from tests.builders import ZONE
from tests.simulation import gateway_side
from tests.simulation.fate import Died
from tests.simulation.world import World
from workers import events

ACCOUNTS = {"stripe": "own/test"}


def settle(world: World) -> bool:
    """A worker settles a batch, and one row that was tried before."""
    settle_once(world, world.store)
    return True


def settle_beside_another(world: World) -> bool:
    """While one worker is at some statement of its batch, more arrives and another one works."""
    if world.is_stopped():
        return False
    meet_another(world)
    settle_once(world, world.store)
    return True


def meet_another(world: World) -> None:
    """Whoever acts next is met by another worker, at some statement."""
    world.fate.plan(world.dice.randint(1, 28), lambda: _second_works(world))


def settle_and_die(world: World) -> bool:
    """A worker dies between two statements."""
    before = world.fate.cut
    world.fate.plan(world.dice.randint(1, 28), None)
    try:
        settle_once(world, world.store)
    except Died:
        return True
    return world.fate.cut > before


def sweep(world: World) -> bool:
    """Money whose invoice was issued late is found; what was parked for a name wakes."""
    with world.store.transaction() as books:
        settling.settle_found(books, ZONE)
    with world.store.transaction() as books:
        waiting.sweep_tries(books)
        parking.wake(books)
    return True


def stumble(world: World) -> bool:
    """A bug of ours: one event cannot be read this time."""
    return _stumble(world, KeyError("a bug of ours"))


def be_busy(world: World) -> bool:
    """The world is busy at one event of a batch: nobody is at fault, no try is counted."""
    return _stumble(world, TryLater(timedelta(seconds=1), "the world is busy"))


def poison(world: World) -> bool:
    """One event kills every worker that reads it; the others are settled, it ends dead."""
    event_id = _a_waiting_event(world)
    if event_id is None:
        return False
    world.fate.is_armed = False
    others = {row for (row,) in world.look(_RECEIVED)} - {event_id}
    world.stumbling.event_id, world.stumbling.trap = event_id, Died("poison")
    for _ in range(2 * (waiting.MOST_TRIES + 3) + len(others)):
        _survive(lambda: settle_once(world, world.store))
        wait_out(world)
    world.stumbling.event_id = None
    states = dict(world.look("SELECT event_id, state FROM inbox"))
    assert states[event_id] == "dead"
    assert {states[other] for other in others}.isdisjoint({"received", "dead"}), (
        "an innocent row waits"
    )
    return True


def wait_out(world: World) -> bool:
    """Every pause between two tries is over."""
    with world.plain.transaction() as books:
        books.run("UPDATE tries SET started_at = started_at - interval '1 hour'")
    return True


def settle_once(world: World, store: Store) -> bool:
    """One round of the worker's loop; answers whether it found anything."""
    found = events.settle_next(store, world.gateways, waiting.claim_fresh)
    return bool(events.settle_next(store, world.gateways, waiting.claim_suspect) or found)


_RECEIVED = "SELECT event_id FROM inbox WHERE state = 'received'"


def _second_works(world: World) -> None:
    """What arrives while the first one is at work is the second one's; it never waits long."""
    try:
        gateway_side.deliver(world)
        before = len(world.look(_RECEIVED))
        settle_once(world, world.second)
        world.done["second settled"] += len(world.look(_RECEIVED)) < before
    except TryLater:
        world.done["second met a lock"] += 1
    except Died:
        world.done["second died"] += 1


def _stumble(world: World, trap: Exception) -> bool:
    event_id = _a_waiting_event(world)
    if event_id is None:
        return False
    world.stumbling.event_id, world.stumbling.trap = event_id, trap
    try:
        settle_once(world, world.store)
    finally:
        world.stumbling.event_id = None
    return True


def _a_waiting_event(world: World) -> str | None:
    found = sorted(row for (row,) in world.look(_RECEIVED))
    return world.dice.choice(found) if found and not world.is_stopped() else None


def _survive(work: Callable[[], object]) -> None:
    try:
        work()
    except Died:
        return
