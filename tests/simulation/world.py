"""One run's world: a database, a gateway, a clock that only jumps, and what is known to be true."""

import asyncio
import json
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import TypeVar, cast

from domain.facts import Reading
from gateways.port import Delivery, Gateway
from gateways.stripe import Stripe
from ledger.inbox.arrivals import ArrivalRow, Arrivals
from ledger.inbox.arrivals import Fate as Kept
from ledger.store import Books, Store
from tests.gateways.deliveries import SECRET, stripe_header
from tests.simulation.fate import Died, Fate, MortalStore
from tests.simulation.model import Model, Payment, payments
from tests.simulation.shop import Event, Shop, told
from webhooks.app import arrival

Outcome = TypeVar("Outcome")

BEGINNING = datetime(2026, 11, 20, 8, tzinfo=UTC)


class Stumbling:
    """The gateway, whose reader stumbles over one event, as a bug or a kill would have it."""

    def __init__(self, genuine: Gateway) -> None:
        self._genuine = genuine
        self.event_id: str | None = None
        self.trap: BaseException = KeyError("a bug of ours")

    def __getattr__(self, verb: str) -> object:
        return getattr(self._genuine, verb)

    def read(self, raw: bytes) -> Reading:
        if self.event_id is not None and json.loads(raw)["id"] == self.event_id:
            raise self.trap
        return self._genuine.read(raw)


@dataclass(slots=True)
class World:
    """Everything a step may touch. `dice` is the only chance there is.

    `acknowledged` events are those the gateway was answered 2xx for; `letters` those that left, by
    key, with the number of their invoice.
    """

    seed: int
    dice: Random
    fate: Fate
    store: MortalStore
    second: MortalStore
    plain: Store
    arrivals: Arrivals
    events_loop: asyncio.Runner
    stripe: Stripe
    stumbling: Stumbling
    now: datetime = BEGINNING
    shop: Shop = field(default_factory=Shop)
    model: Model = field(default_factory=Model)
    undelivered: dict[str, Event] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    ever_done: set[str] = field(default_factory=set)
    letters: dict[str, str] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)
    clients: list[int] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    last: deque[str] = field(default_factory=lambda: deque(maxlen=8))

    @property
    def gateways(self) -> Mapping[str, Gateway]:
        return {"stripe": cast(Gateway, self.stumbling)}

    def tell(self, *events: Event) -> None:
        """The gateway will deliver these, until it is answered."""
        self.undelivered.update((event.id, event) for event in events)

    def keep(self, *bodies: bytes) -> list[Kept]:
        """Bodies at the door, signed now, in one flush; the process may die around its commit."""
        rows = [self._arrival(body) for body in bodies]
        self.fate.at_commit("arrivals.keep", "before")
        fates = self.events_loop.run(self.arrivals.keep(rows))
        self.fate.at_commit("arrivals.keep", "after")
        return fates

    def act(
        self, work: Callable[[Books], Outcome], then: Callable[[Outcome], object] = lambda _: None
    ) -> None:
        """One act of a person; the model learns of it exactly when it is committed."""
        outcome: list[Outcome] = []
        try:
            with self.store.transaction() as books:
                outcome.append(work(books))
        except Died as death:
            if death.is_committed:
                then(outcome[0])
            raise
        then(outcome[0])

    def settled(self) -> dict[str, Payment]:
        """Every payment by what was told and is settled, as the inbox stands now."""
        done = "SELECT event_id FROM inbox WHERE state = 'done'"
        self.ever_done |= {event_id for (event_id,) in self.look(done)}
        return self._payments(self.ever_done)

    def reported(self) -> dict[str, Payment]:
        """Every payment by all that was ever kept, settled or not."""
        return self._payments({event_id for (event_id,) in self.look("SELECT event_id FROM inbox")})

    def look(self, query: str) -> list[tuple]:  # type: ignore[type-arg]
        """What the database says, with nobody's hands in it."""
        with self.plain.transaction() as books:
            return books.rows(lambda *row: row, query)

    def is_stopped(self) -> bool:
        return bool(self.look("SELECT what FROM stops WHERE what = 'settling'"))

    def _payments(self, event_ids: set[str]) -> dict[str, Payment]:
        return payments(told([event for event in self.shop.events if event.id in event_ids]))

    def _arrival(self, body: bytes) -> ArrivalRow:
        header = stripe_header(body, at=int(self.now.timestamp()))
        delivery = Delivery(((b"stripe-signature", header),), body)
        envelope = self.stripe.authenticate(delivery, {}, self.now)
        return arrival(self.stripe, envelope, body)


@contextmanager
def created(dsn: str, seed: int) -> Iterator[World]:
    """A world over an empty, migrated database; the seed decides all that happens in it."""
    dice = Random(seed)
    fate = Fate(dice)
    stripe = Stripe("own", (SECRET,), is_live=False)
    stores = MortalStore(dsn, fate), MortalStore(dsn, fate), Store(dsn, pool_size=1)
    with asyncio.Runner() as runner:
        arrivals = Arrivals(dsn)
        try:
            yield World(seed, dice, fate, *stores, arrivals, runner, stripe, Stumbling(stripe))
        finally:
            runner.run(arrivals.close())
            for store in stores:
                store.close()
