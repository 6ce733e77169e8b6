"""Backfills: what a gateway has told and we never received is fetched and kept like a delivery."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from math import inf
from time import monotonic

import structlog

from domain.errors import Refused, TryLater
from gateways.capabilities import Verb
from gateways.port import Gateway, Occurrence
from ledger.inbox import backfill
from ledger.store import Store
from runtime import clock, wiring
from workers.app import app
from workers.events import nudges

log = structlog.get_logger(__name__)

_CHUNK = 100
_NEWEST = 5  # so many in a row that did not come by themselves: nobody speaks to us any more

# What is younger may still be on its way; what is older was looked for an hour ago.
_YOUNGEST = timedelta(minutes=15)
_OLDEST = timedelta(hours=3)

# For each gateway in turn: both together, and a slow answer, are less than a task is given.
_MOST_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Filled:
    """How many events the gateway listed, and which of them are in our inbox only now.

    `newest` are the gateway's ids of the latest few. `is_through`: there was time for all of them.
    """

    listed: int = 0
    fetched: tuple[int, ...] = ()
    newest: tuple[str, ...] = ()
    is_through: bool = True


Tell = Callable[[Filled], None]


@app.task(name="errands.backfill")
def run_backfills() -> None:
    """Looks for events of the last hours at every gateway that lists its own.

    What there was no time for is fetched in another turn, after whatever waits by then.
    """
    now, store = clock.now(), wiring.store()
    listing = [each for each in wiring.gateways().values() if each.capabilities.can(Verb.REPORTED)]
    filled = [_fill_lately(store, gateway, now) for gateway in listing]
    if any(each.fetched and not each.is_through for each in filled):
        nudges().go_on("errands.backfill")


def _fill_lately(store: Store, gateway: Gateway, now: datetime) -> Filled:
    """Fills for some seconds; whatever becomes of that, one that is silent is attention."""
    filled = Filled()

    def tell(so_far: Filled) -> None:
        nonlocal filled
        filled = so_far

    try:
        fill(store, gateway, now - _OLDEST, now - _YOUNGEST, tell, _MOST_SECONDS)
    except (Refused, TryLater) as error:
        log.warning("backfill_put_off", gateway=gateway.name, reason=error.detail)
    with store.transaction() as books:
        is_silent = backfill.mind(books, gateway.name, gateway.account, filled.newest)
    if filled.fetched:
        count = len(filled.fetched)
        log.warning("events_were_missing", gateway=gateway.name, events=count, silent=is_silent)
        nudges().send(filled.fetched)
    return filled


def fill(
    store: Store,
    gateway: Gateway,
    since: datetime,
    until: datetime,
    tell: Tell = lambda _: None,
    most_seconds: float = inf,
) -> Filled:
    """Fetches the events between that never came; `tell` hears how it goes. Nudges nobody.

    Network, as long as it takes, or when there is something to fetch at least one of it. Those kept
    before an error stay, so it may be run again. Refused when the gateway cannot be asked; TryLater
    when it is busy or away.
    """
    filled, end = Filled(), monotonic() + most_seconds
    for chunk in _chunks(gateway.reported(since, until)):
        newest = filled.newest or tuple(chunk)[:_NEWEST]
        filled = replace(filled, listed=filled.listed + len(chunk), newest=newest)
        tell(filled)
        for inbox_id in _fetched(store, gateway, chunk):
            filled = replace(filled, fetched=(*filled.fetched, inbox_id))
            if monotonic() > end:
                filled = replace(filled, is_through=False)
                tell(filled)
                return filled
        tell(filled)
    return filled


def _fetched(store: Store, gateway: Gateway, chunk: Mapping[str, str]) -> Iterator[int]:
    """The numbers of those that were missing; each is kept at once, with its own commit.

    One that the gateway lists and has not keeps no other one back.
    """
    with store.transaction() as books:
        missing = backfill.missing(books, gateway.name, gateway.account, list(chunk))
    for event_id in sorted(missing):
        try:
            raw = gateway.event(event_id)
        except Refused as refusal:
            if refusal.code == "key_refused":
                raise
            log.warning("event_not_fetched", gateway=gateway.name, told=event_id, why=refusal.code)
            continue
        yield from _keep(store, gateway, Occurrence(event_id, chunk[event_id]), raw)


def _keep(store: Store, gateway: Gateway, event: Occurrence, raw: bytes) -> list[int]:
    digest = hashlib.sha256(raw).digest()
    with store.transaction() as books:
        kept = backfill.keep(books, (gateway.name, gateway.account), event, raw, digest)
    return [] if kept is None else [kept]


def _chunks(listed: Iterator[Occurrence]) -> Iterator[Mapping[str, str]]:
    """Kinds by event id, so many at a time."""
    while chunk := dict(islice(listed, _CHUNK)):
        yield chunk
